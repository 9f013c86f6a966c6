"""What many small records ask for, or a record claims, is bounded."""

from __future__ import annotations

import gzip
import hashlib
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mfwb.errors import ItemLost, SourceError
from mfwb.source.datastore.local import LocalBlobs
from mfwb.source.json_records import RunRecord

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    from mfwb.source import contents, local_provider, reader
    from mfwb.source.datastore.flow_store import FlowStore
    from mfwb.source.task_metadata import RawRun

NOW = 1_800_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("run_id", "ts_epoch", "where"),
    [
        ("7", NOW + 2 * DAY, "service@https://meta"),
        ("1", 250_000_000_000_000, "local@/data"),
        (f"{(NOW + 2 * DAY) * 1000}", NOW, "local@/data"),
    ],
)
def test_a_start_in_the_future(run_id: str, ts_epoch: int, where: str) -> None:
    """It would have `latest` for ever; so much as clocks differ is allowed."""
    record = RunRecord(run_number=run_id, ts_epoch=ts_epoch)
    raw = RawRun("F", run_id, record, (), None)

    with pytest.raises(SourceError, match="in the future"):
        reader.assert_not_in_future(raw, where, NOW)
    reader.assert_not_in_future(raw, where, ts_epoch + 2 * DAY)


def test_more_in_memory_than_recorded(tmp_path: Path) -> None:
    """Many small values are read together, as many as their sizes allow."""
    store = FlowStore(LocalBlobs(str(tmp_path)), "F")
    shas = {}
    for size in (1_000, 500_000):
        data = bytes(size)
        sha = shas[size] = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path = tmp_path / "F" / "data" / sha[:2] / sha
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(data))

    result = dict(store.read(list(shas.values()), dict.fromkeys(shas.values(), 1)))

    assert result[shas[1_000]] == bytes(1_000)
    assert isinstance(result[shas[500_000]], ItemLost)


def test_more_records_than_a_task_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in memory together; other tasks' records count for themselves."""
    monkeypatch.setattr(local_provider, "_MAX_RECORDS_OF_TASK", 10)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(12):
            (tmp_path / folder / f"{number}.json").write_text("{}", encoding="utf-8")

    def read(folder: str, count: int) -> Any:
        for number in range(count):
            local_provider.read_record(tmp_path, f"{folder}/{number}.json", ())

    with local_provider.metadata_budget():
        read("a", 10)
        read("b", 10)
        with pytest.raises(OSError, match="more than 10 records"):
            read("b", 11)


def test_origins_are_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cards a clone has, of which each may be that of an origin."""
    requested = []

    class Origin:
        """What Metaflow's client has of a task, each a clone of the next one."""

        def __init__(self, pathspec: str) -> None:
            requested.append(pathspec)
            number = int(pathspec.split("/")[1]) + 1
            self.origin_pathspec = f"F/{number}/s/1" if number < 5 else None

    monkeypatch.setattr(contents, "MetaflowTask", Origin)
    flow_run = cast(
        "Any",
        SimpleNamespace(
            flow="F",
            provider="x",
            user=None,
            tasks=[SimpleNamespace(pathspec="F/1/s/1", origin="F/2/s/1", datastore=None)],
            code_packages=(),
        ),
    )
    result = contents.FlowRunContents(flow_run)

    for _ in range(3):
        assert list(result.with_origins("F/1/s/1")) == [f"F/{n}/s/1" for n in (1, 2, 3, 4)]
    assert requested == ["F/2/s/1", "F/3/s/1", "F/4/s/1"]
