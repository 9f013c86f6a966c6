"""When a flow run started: one rule for listings, plans and lineage."""

from __future__ import annotations

import warnings

import pytest

from mfwb.snapshot.pathspec import LAST_MOMENT, moment_of_id
from mfwb.source.json_records import RunRecord, TaskRecord
from mfwb.source.start_time import started_at

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    from mfwb.source.task_metadata import RawRun, RawTask

_TAGGED = 1_800_000_000_000
_QUEUED = 1_700_000_000_007


@pytest.mark.parametrize(
    ("run_id", "moment"),
    [
        ("1795226515084300", 1_795_226_515_084),
        ("1000000000000000", 1_000_000_000_000),
        ("999999999999999", None),
        ("7", None),
        (str(LAST_MOMENT * 1000), LAST_MOMENT),
        (str(LAST_MOMENT * 1000 + 1), None),
        ("9" * 200, None),
        ("argo-1795226515084300", None),
        ("١٧٩٥٢٢٦٥١٥٠٨٤٣٠٠", None),
        ("", None),
    ],
)
def test_what_ids_are_moments(run_id: str, moment: int | None) -> None:
    """Metaflow makes them of microseconds; a number that somebody chose is no moment."""
    assert moment_of_id(run_id) == moment


@pytest.mark.parametrize(
    ("run_id", "provider", "start"),
    [
        ("1795226515084300", "local@/data", 1_795_226_515_084),  # tagged later or not
        ("1795226515084300", "service@https://meta", _TAGGED),  # a number that it counted up to
        ("7", "local@/data", _QUEUED),  # tagging moves what its record says, not what its tasks do
        ("7", "service@https://meta", _TAGGED),
    ],
)
def test_start_of_a_flow_run(run_id: str, provider: str, start: int) -> None:
    """The id of a local one, if it is a moment; else what was recorded first."""
    record = RunRecord(run_number=run_id, ts_epoch=_TAGGED)
    parameters = RawTask(None, TaskRecord(ts_epoch=_QUEUED), (), None, None)
    later = RawTask(None, TaskRecord(ts_epoch=_QUEUED + 5), (), None, None)
    raw = RawRun("Flow", run_id, record, (later,), parameters)

    assert raw.started_at(provider) == start


def test_start_of_what_is_only_listed() -> None:
    """Of a flow run whose tasks were not read its own record tells."""
    record = RunRecord(run_number="7", ts_epoch=_TAGGED)

    assert started_at("7", record, "local@/data") == _TAGGED
