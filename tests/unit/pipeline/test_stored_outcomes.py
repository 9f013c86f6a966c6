"""Outcomes in a file: equal to a tuple of them, and looked at together."""

from __future__ import annotations

import copy
import pickle
import resource
import signal
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome, outcome_to_json
from mfwb.pipeline.stored_outcomes import StoredOutcomes
from mfwb.recorded_outcome import from_ledger, to_ledger
from mfwb.report.result.document import to_json
from mfwb.snapshot import Loss
from tests.unit.test_outcome import OUTCOMES

RUN = WandbRunOutcome("id", "Flow/1/start", "start", "finished", losses=(Loss("a", "gone"),))
DONE = FlowRunOutcome("Flow/1", Status.SYNCED, group="g", project="p", wandb_runs=(RUN,))
PAGE = "https://w/e/p/groups/g"
ONLINE = from_ledger(to_ledger(replace(DONE, url=PAGE)), is_own=True)
OFFLINE = replace(
    DONE, status=Status.UNCHANGED, wandb_runs=(replace(RUN, dir="/bundle/level-00/wandb/run"),)
)
FAILED = FlowRunOutcome("Flow/2", Status.FAILED, reason="gone")
MANY = 8_000


@given(st.lists(OUTCOMES, max_size=5))
def test_like_a_tuple(outcomes: list[FlowRunOutcome]) -> None:
    """What comes out is equal to what went in, one by one, in parts, and as a document."""
    given_ = tuple(
        replace(outcome, reason=None) if outcome.status is Status.UNCHANGED else outcome
        for outcome in outcomes
    )
    stored = StoredOutcomes(given_)

    assert tuple(stored) == given_
    assert stored == given_
    assert stored[1:3] == given_[1:3]
    assert [stored[n] for n in range(len(stored))] == list(given_)
    assert len(stored.others) + stored.set_aside.number == len(given_)
    result, plain = Result("sync", cast("Any", stored)), Result("sync", given_)
    assert result == plain
    assert result.totals == plain.totals
    assert (result.exit_code, result.has_losses) == (plain.exit_code, plain.has_losses)
    assert repr(result) == repr(plain)
    assert result.in_memory().flow_runs == given_
    assert type(result.in_memory().flow_runs) is tuple
    for indented in (True, False):
        document = "".join(to_json(result, indented=indented))
        assert document == "".join(to_json(plain, indented=indented))


def test_places_are_filled_later() -> None:
    """What is still being written has its place."""
    stored = StoredOutcomes([ONLINE])
    place = stored.reserve()
    stored.append(OFFLINE)
    stored.fill(place, FAILED)

    assert stored == (ONLINE, FAILED, OFFLINE)
    assert list(stored.others) == [FAILED]


def test_set_aside() -> None:
    """Of those with nothing to do it is known together what a summary says of them."""
    set_aside = StoredOutcomes([ONLINE, FAILED, OFFLINE, ONLINE]).set_aside

    assert set_aside.number == 3
    assert set_aside.numbers["losses"] == 3
    assert set_aside.has_losses
    assert set_aside.pages == ("https://w/e/p",)
    assert set_aside.folders == ("/bundle/level-00/wandb",)


@given(OUTCOMES)
@settings(max_examples=20)
def test_many_that_were_written(outcome: FlowRunOutcome) -> None:
    """All but the first are in the file, too, and come out as they went in."""
    synced = replace(outcome, status=Status.SYNCED, seconds=1.5, url=PAGE)
    given_ = tuple(replace(synced, pathspec=f"Flow/{number}") for number in range(70))
    stored = StoredOutcomes([ONLINE, *given_])

    assert stored == (ONLINE, *given_)
    assert [run.seconds for run in stored.others] == [1.5] * len(given_)
    assert stored.others[69] == given_[69]
    assert stored.others[60:] == given_[60:]
    assert stored.set_aside.number == 1


def test_memory_of_many_that_were_written() -> None:
    """Those of W&B runs that were written are no objects either."""
    runs = tuple(replace(RUN, id=str(number), part_digests={"a": "b"}) for number in range(10))
    synced = replace(DONE, wandb_runs=runs)
    tracemalloc.start()
    stored = StoredOutcomes(replace(synced, pathspec=f"Flow/{n}") for n in range(2_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(stored.others) == 2_000
    assert size < 1_000_000


def test_copies() -> None:
    """They have the outcomes, and a file of their own."""
    stored = StoredOutcomes([ONLINE, FAILED])

    assert copy.deepcopy(stored) == stored
    assert pickle.loads(pickle.dumps(stored)) == stored
    assert repr(stored) == repr((ONLINE, FAILED))


def test_no_room_for_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then they stay in memory, as if there were few."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    large = replace(OFFLINE, wandb_runs=(replace(RUN, summary_keys=("x" * 3_000_000,)),))

    stored = StoredOutcomes([large, large, ONLINE, large])

    assert stored == (large, large, ONLINE, large)


@pytest.mark.parametrize("room", [0, 1_000, 1_500_000])
def test_disk_that_fills_up(room: int) -> None:
    """What the file has no room for stays in memory, and nothing before it is lost."""
    many = tuple(replace(FAILED, pathspec=f"F/{n}", reason="x" * 30_000) for n in range(150))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        stored = StoredOutcomes(many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert stored == many
    assert list(stored.others) == list(many)


def test_memory() -> None:
    """An outcome of 3 KB takes a few bytes, beside those that are kept in memory at first."""
    text = to_ledger(replace(DONE, url=PAGE, wandb_runs=(replace(RUN, job_type="x" * 3_000),)))
    assert len(outcome_to_json(ONLINE)) > 100
    tracemalloc.start()
    stored = StoredOutcomes(from_ledger(text, is_own=True) for _ in range(MANY))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert stored.set_aside.number == MANY
    assert size < 50 * MANY
