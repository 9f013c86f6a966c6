"""What the pipeline relies on of payloads: the builder's, and the fake's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.payload import PayloadBuilder
from mfwb.planning import Content, Plan, PlannedRun
from mfwb.ports import Payloads
from mfwb.snapshot.pathspec import FlowRunId
from tests.support.fakes import MemoryPayloads
from tests.support.flow_runs import flow_run, task
from tests.unit.payload.memory import TASK, MemoryContents, gone, planned_run, row

LOST = gone("lost")


@pytest.fixture(params=["builder", "memory"])
def payloads(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Payloads]:
    """Return payloads, for which `LOST` can't be had; they are closed afterwards."""
    result: Payloads
    if request.param == "memory":
        result = MemoryPayloads(gone={LOST.pathspec})
    else:
        result = PayloadBuilder(tmp_path / "payloads", keep=False)
    yield result
    result.close()


@pytest.fixture
def contents() -> MemoryContents:
    """Return the bytes of a flow run whose tasks printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def plan_of(*runs: PlannedRun) -> Plan:
    """Return a plan of W&B runs."""
    return Plan("Flow/1", FlowRunId("Flow/1", "local@/x", 0), None, "flow", "Flow/1", runs)


def lost_of(run: PlannedRun, payloads: Payloads, contents: MemoryContents) -> list[str]:
    """Return what of a W&B run is lost."""
    return [loss.item for loss in payloads.prepare(run, contents).losses]


def test_the_flow_run_stays_the_same_one(payloads: Payloads, contents: MemoryContents) -> None:
    """Looking inside adds to facts, and changes none of those that tell which flow run it is."""
    run = flow_run(task("start/1", has="x=1"))
    seen = payloads.inspect(run, contents)

    assert (seen.pathspec, seen.provider, seen.started_at) == (
        run.pathspec,
        run.provider,
        run.started_at,
    )
    assert [item.pathspec for item in seen.tasks] == [item.pathspec for item in run.tasks]


def test_what_can_not_be_decoded_is_missing(payloads: Payloads, contents: MemoryContents) -> None:
    """Nobody raises for a value that is gone."""
    assert LOST.sha1 not in payloads.decode([LOST], contents)
    assert payloads.decode([], contents) == {}


def test_values_by_their_keys(payloads: Payloads, contents: MemoryContents) -> None:
    """Each value that is there stands in the summary; one that is not is a loss."""
    run = planned_run(values={"there": [contents.add(1, "there")], "lost": [LOST]})
    plan = plan_of(run)
    payloads.prestart(plan)
    whole = payloads.prepare(run, contents)
    alone = payloads.values(run, contents)
    payloads.release(run)
    payloads.discard(plan)

    assert whole.summary == alone.summary == {"there": 1}
    assert [loss.item for loss in whole.losses] == [LOST.pathspec]
    assert [loss.item for loss in alone.losses] == [LOST.pathspec]
    assert all(loss.reason for loss in whole.losses)


def test_parts_of_no_files(payloads: Payloads, contents: MemoryContents) -> None:
    """Files and log alone bring no values."""
    run = planned_run(values={"there": [contents.add(1, "there")]})
    for part in (payloads.files(run, contents), payloads.log(run, contents)):
        assert (part.summary, list(part.artifacts), list(part.losses)) == ({}, [], [])


def test_one_lost_of_many(payloads: Payloads, contents: MemoryContents) -> None:
    """Of a merged W&B run a key stays, if any of its tasks has it."""
    existing = contents.add(1, "x", "Flow/1/train/4")
    lost = Content("Flow/1/train/5", "x", "0" * 40, 10)
    if isinstance(payloads, MemoryPayloads):
        payloads.gone.add(lost.pathspec)
    run = planned_run(tasks=[row(0), row(1)], values={"x": [existing, lost]})
    for item in run.tasks:
        contents.logs[item.pathspec] = []

    assert lost_of(run, payloads, contents) == [lost.pathspec]


def test_heard_in_any_order(payloads: Payloads, contents: MemoryContents) -> None:
    """A plan may be dismissed that nobody asked for, twice, and a W&B run let go unmade."""
    run = planned_run(values={"there": [contents.add(1, "there")]})
    plan = plan_of(run, replace(run, name="Flow/1/other"))
    payloads.discard(plan)
    payloads.release(run)
    payloads.prestart(plan)
    payloads.discard(plan)
    payloads.discard(plan)

    assert payloads.prepare(run, contents).summary == {"there": 1}
