"""A sync and a plan, with all ports in memory."""

from __future__ import annotations

from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest

from mfwb.account import Ending, Kind
from mfwb.config import Settings
from mfwb.errors import Unreachable
from mfwb.outcome import ItemCounts, Result, Status
from mfwb.pipeline import plan_flow_runs, sync_flow_runs
from mfwb.pipeline.executor import _WriteGate
from mfwb.pipeline.selection import Selection
from mfwb.ports import SyncState
from mfwb.snapshot import FlowRun, FlowRunState, Loss
from mfwb.snapshot.pathspec import Pathspec, parse
from tests.support.fakes import MemoryMetaflow, MemoryWandb, World
from tests.support.flow_runs import at, data_frame, flow_run, model, ref, renamed, task

_PATIENCE = 60  # seconds
FAN = flow_run(
    task("start/1", to="work", over="items", has=[data_frame("wines", "w"), ref("v")]),
    task("work/2", to="join", has=[model("model", "m0")], foreach=at("work:items:0")),
    task("work/3", to="join", has=[model("model", "m1")], foreach=at("work:items:1")),
    task("join/4"),
)
RUNS = [renamed(FAN, "DemoFlow", str(number)) for number in (1, 2, 3)]
BROKEN = flow_run(task("a/1", to="b"), task("b/2", to="a"))


def world(*runs: Any) -> World:
    """Return a world with some flow runs."""
    return World(metaflow=MemoryMetaflow(list(runs or [FAN])))


def sync(of: World, *pathspecs: str, **settings: Any) -> Result:
    """Sync flow runs."""
    requested = Selection(tuple(parse(text) for text in pathspecs or ["DemoFlow/7"]))
    return sync_flow_runs(requested, Settings.model_validate(settings), of.parts)


def plan(of: World, *pathspecs: str, **settings: Any) -> Result:
    """Say what a sync would do."""
    requested = Selection(tuple(parse(text) for text in pathspecs or ["DemoFlow/7"]))
    return plan_flow_runs(requested, Settings.model_validate(settings), of.parts)


def statuses(result: Result) -> list[tuple[str, str]]:
    """Return what became of each flow run."""
    return [(run.pathspec, run.status.value) for run in result.flow_runs]


# --- sync -----------------------------------------------------------------------------------


def test_sync() -> None:
    """A flow run becomes W&B runs; the outcome says which, and what each uses and made."""
    here = world()
    [outcome] = sync(here).flow_runs
    start, work, join = outcome.wandb_runs

    assert outcome.status is Status.SYNCED
    assert (outcome.group, outcome.project, outcome.entity, outcome.mode) == (
        "DemoFlow/7",
        "demoflow",
        "acme",
        "online",
    )
    assert start.url == f"memory://wandb/{start.id}"
    assert start.dir is None
    assert start.summary_keys == ("v",)
    assert start.items == ItemCounts(total=2, values=1, written=1)
    assert [(item.name, item.digest, item.producer) for item in work.inputs] == [
        ("wines", "digest of DemoFlow/7/start/wines", "DemoFlow/7/start")
    ]
    assert [(item.name, item.digest) for item in join.inputs] == [
        ("model", "digest of DemoFlow/7/work/model")
    ]
    assert work.items == ItemCounts(total=2, written=2)


@pytest.mark.parametrize("workers", [1, 8])
def test_producers_are_written_first(workers: int) -> None:
    """W&B runs are written level by level, however many workers there are."""
    here = world()
    result = sync(here, granularity="task", workers=workers)

    assert statuses(result) == [("DemoFlow/7", "synced")]
    assert here.wandb.written[0] == "DemoFlow/7/start/1"
    assert sorted(here.wandb.written[1:3]) == ["DemoFlow/7/work/2", "DemoFlow/7/work/3"]
    assert here.wandb.written[3:] == ["DemoFlow/7/join/4"]
    assert [run.name for run in result.flow_runs[0].wandb_runs] == [
        "DemoFlow/7/start/1",
        "DemoFlow/7/work/2",
        "DemoFlow/7/work/3",
        "DemoFlow/7/join/4",
    ]


def test_synced_once() -> None:
    """Syncing again writes nothing, and tells what was written."""
    here = world()
    first = sync(here)
    here.wandb.written.clear()
    second = sync(here)

    assert here.wandb.written == []
    assert statuses(second) == [("DemoFlow/7", "unchanged")]
    assert second.flow_runs[0].wandb_runs == first.flow_runs[0].wandb_runs


def test_force() -> None:
    """With force, what is done is done again."""
    here = world()
    sync(here)
    here.wandb.written.clear()

    assert statuses(sync(here, force=True)) == [("DemoFlow/7", "synced")]
    assert len(here.wandb.written) == 3


def test_changed_flow_run() -> None:
    """A flow run that changed since (a tag) is synced again; its W&B runs get the words alone."""
    here = world()
    sync(here)
    here.metaflow.flow_runs = [replace(FAN, tags=("good",))]
    here.wandb.written.clear()

    assert statuses(sync(here)) == [("DemoFlow/7", "synced")]
    assert here.wandb.written == []
    assert len(here.wandb.updated) == 3


def test_what_is_there_is_neither_prepared_nor_written() -> None:
    """After an interrupted sync only the W&B runs that are missing are made."""
    here = world()
    here.wandb.refused = {"DemoFlow/7/join"}
    interrupted = sync(here)
    here.wandb.refused.clear()
    here.wandb.written.clear()
    here.payloads.prepared.clear()
    [outcome] = sync(here).flow_runs

    assert statuses(interrupted) == [("DemoFlow/7", "failed")]
    assert outcome.status is Status.SYNCED
    assert here.payloads.prepared == ["DemoFlow/7/join"]
    assert here.wandb.written == ["DemoFlow/7/join"]
    assert [item.digest for item in outcome.wandb_runs[2].inputs] == [
        "digest of DemoFlow/7/work/model"
    ]
    assert outcome == sync(world()).flow_runs[0]


def test_not_recorded_before_it_is_done() -> None:
    """A flow run that could not be written whole is not known as done, even if it once was."""
    here = world()
    sync(here)
    here.metaflow.flow_runs = [replace(FAN, tags=("good",))]
    here.wandb.refused = {"DemoFlow/7/join"}
    sync(here)

    assert [entry.sync_state for entry in here.ledger.entries()] == [SyncState.FAILED]


def test_what_has_vanished_is_a_failure() -> None:
    """A W&B run that was written, and is not there afterwards, is not taken for done."""
    here = world()
    here.wandb.lost = {"DemoFlow/7/join"}

    [outcome] = sync(here).flow_runs

    assert outcome.status is Status.FAILED
    assert "DemoFlow/7/join" in str(outcome.reason)
    assert [entry.sync_state for entry in here.ledger.entries()] == [SyncState.FAILED]


def test_deleted_wandb_run_stays_away() -> None:
    """What somebody deleted in W&B is told, counted as switched off, and not written again."""
    here = world()
    [first] = sync(here).flow_runs
    join = first.wandb_runs[2]
    here.wandb.deleted = {join.name}
    del here.wandb.runs[join.id]
    here.wandb.written.clear()

    [again] = sync(here).flow_runs

    assert (again.status, here.wandb.written) == (Status.UNCHANGED, [])
    assert [run.deleted for run in again.wandb_runs] == [False, False, True]
    assert again.wandb_runs[2].items.total == again.wandb_runs[2].items.switched_off


# --- what the ledger remembers --------------------------------------------------------------


def find(of: World, *, since: int = 0, failed: bool | None = None) -> Result:
    """Sync what is found by looking rather than by name."""
    requested = Selection(since=since, failed=failed)
    return sync_flow_runs(requested, Settings.model_validate({}), of.parts)


@dataclass
class CountingMetaflow(MemoryMetaflow):
    """A source that notes what is read."""

    reads: list[str] = field(default_factory=list)

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return a flow run, and note that."""
        self.reads.append(str(flow_run))
        return super().read(flow_run)


def test_only_what_is_new_is_read() -> None:
    """What is done and listed as before need not be read, let alone written."""
    metaflow = CountingMetaflow(RUNS[:2])
    here = World(metaflow=metaflow)
    find(here)
    metaflow.flow_runs, metaflow.reads = list(RUNS), []

    result = find(here)

    assert metaflow.reads == ["DemoFlow/3"]
    assert statuses(result) == [
        ("DemoFlow/1", "unchanged"),
        ("DemoFlow/2", "unchanged"),
        ("DemoFlow/3", "synced"),
    ]
    assert all(run.wandb_runs for run in result.flow_runs)


def test_tags_reach_what_is_long_done() -> None:
    """Who tags last year's flow run need not know for which days a cron job asks."""
    metaflow = CountingMetaflow([FAN, *RUNS])
    here = World(metaflow=metaflow)
    find(here)
    metaflow.flow_runs, metaflow.reads = [replace(FAN, tags=("good",)), *RUNS], []

    assert statuses(find(here, since=2**50)) == [("DemoFlow/7", "synced")]
    assert metaflow.reads == ["DemoFlow/7"]
    assert statuses(find(here, since=2**50)) == []


ABANDONED = replace(FAN, state=FlowRunState.ABANDONED)


@pytest.mark.parametrize(
    ("before", "after"), [(FAN, replace(FAN, tags=("good",))), (ABANDONED, ABANDONED)]
)
def test_what_may_have_changed_is_read(before: FlowRun, after: FlowRun) -> None:
    """Other tags are seen in the listing; what was abandoned may live after all."""
    metaflow = CountingMetaflow([before])
    here = World(metaflow=metaflow)
    find(here)
    metaflow.flow_runs, metaflow.reads = [after], []
    find(here)

    assert metaflow.reads == ["DemoFlow/7"]


def test_running_ones_are_kept_in_view() -> None:
    """A flow run that was still running is synced once it is over, however long ago it began."""
    here = world(replace(FAN, state=FlowRunState.RUNNING))
    still = find(here)
    here.metaflow.flow_runs = [FAN]

    assert statuses(still) == [("DemoFlow/7", "skipped")]
    assert still.notes == ()  # nobody named it
    assert statuses(find(here, since=2**50)) == [("DemoFlow/7", "synced")]
    assert statuses(find(here, since=2**50)) == []


@pytest.mark.parametrize(("failed", "status"), [(True, []), (False, [("DemoFlow/7", "synced")])])
def test_failed_or_not(failed: bool, status: list[tuple[str, str]]) -> None:  # noqa: FBT001
    """Who asks for failed flow runs only gets no others, and they are not read each time."""
    metaflow = CountingMetaflow([FAN])
    here = World(metaflow=metaflow)
    first = find(here, failed=failed)
    metaflow.reads = []
    second = find(here, failed=failed)

    assert [statuse for statuse in statuses(first) if statuse[1] != "skipped"] == status
    assert metaflow.reads == []
    assert len(second.flow_runs) == len(status)


def test_gone_flow_run_is_given_up() -> None:
    """What Metaflow has no more is told once, and not tried for ever."""
    here = world(replace(FAN, state=FlowRunState.RUNNING), *RUNS)
    find(here)
    here.metaflow.flow_runs = list(RUNS)

    assert ("DemoFlow/7", "failed") in statuses(find(here))
    assert "DemoFlow/7" not in dict(statuses(find(here)))


def test_without_a_ledger_wandb_is_asked_in_bulk() -> None:
    """Flow runs that the ledger does not know are asked for all at once."""
    here = world(*[renamed(FAN, "DemoFlow", str(number)) for number in range(1, 8)])
    find(here)

    assert here.wandb.looked_ahead == [[f"DemoFlow/{number}" for number in range(1, 8)]]


def test_one_failure_does_not_stop_the_others() -> None:
    """A flow run that W&B refuses, or that is not there, fails alone, with its reason."""
    here = world(*RUNS)
    here.wandb.refused = {"DemoFlow/2/work"}
    result = sync(here, "DemoFlow/1", "DemoFlow/2", "DemoFlow/99", "DemoFlow/3")

    assert statuses(result) == [
        ("DemoFlow/1", "synced"),
        ("DemoFlow/2", "failed"),
        ("DemoFlow/99", "failed"),
        ("DemoFlow/3", "synced"),
    ]
    assert [run.reason for run in result.flow_runs] == [
        None,
        "W&B refuses DemoFlow/2/work",
        "there is no DemoFlow/99",
        None,
    ]
    assert result.failed


def test_facts_that_contradict_themselves() -> None:
    """A flow run whose lineage can't be right fails, and nothing of it is written."""
    here = world(BROKEN)
    result = sync(here)

    assert result.flow_runs[0].reason == (
        "these tasks are their own ancestors: DemoFlow/7/a/1, DemoFlow/7/b/2"
    )
    assert here.wandb.written == []


def test_still_running() -> None:
    """A flow run that is still going is skipped, said so, and not a failure."""
    here = world(replace(FAN, state=FlowRunState.RUNNING), RUNS[0])
    result = sync(here, "DemoFlow/7", "DemoFlow/1")

    assert statuses(result) == [("DemoFlow/7", "skipped"), ("DemoFlow/1", "synced")]
    assert result.flow_runs[0].reason == "it is still running"
    assert result.notes == (
        (
            "it is not known whether DemoFlow/7 has ended; if its process is gone, use "
            "--abandoned-after 0s"
        ),
    )
    assert not result.failed
    assert not any(name.startswith("DemoFlow/7") for name in here.wandb.written)


def test_failed_flow_run() -> None:
    """A flow run that failed is synced as far as it came."""
    here = world(replace(FAN, state=FlowRunState.FAILED))

    assert statuses(sync(here)) == [("DemoFlow/7", "synced")]


def test_losses_on_the_way() -> None:
    """What got lost is told with its W&B run, and counted."""
    here = world()
    here.payloads.gone = {"DemoFlow/7/start/1/v"}
    start = sync(here).flow_runs[0].wandb_runs[0]

    assert start.losses == (Loss("DemoFlow/7/start/1/v", "gone"),)
    assert start.items == ItemCounts(total=2, written=1, lost=1)


def test_losses_of_reading_and_planning() -> None:
    """Losses of earlier stages are told, too."""
    here = world(replace(FAN, losses=(Loss("DemoFlow/7/work/9", "unreadable"),)))
    result = sync(here, max_artifact_size=999)

    assert [loss.item for loss in result.losses] == [
        "DemoFlow/7/work/9",
        "DemoFlow/7/start/1/wines",
        "DemoFlow/7/work/2/model",
        "DemoFlow/7/work/3/model",
    ]


def test_end_that_cannot_be_reached() -> None:
    """If W&B can't be reached there is no point in going on."""

    class Down(MemoryWandb):
        def open(self, plan: Any, **_: Any) -> Any:
            raise Unreachable(f"no way to write {plan.flow_run}")

    here = World(metaflow=MemoryMetaflow(RUNS), wandb=Down())

    with pytest.raises(Unreachable, match="no way to write DemoFlow/1"):
        sync(here, "DemoFlow/1", "DemoFlow/2")


def test_progress() -> None:
    """Who watches hears the total first, then each flow run, its W&B runs, and how it ended."""
    here = world(*RUNS)
    sync(here, "DemoFlow/1", "DemoFlow/99")

    received = here.progress.heard
    assert received[:2] == ["2 selected", "DemoFlow/1 (1 of 2)"]
    assert "DemoFlow/99 (2 of 2)" in received
    assert "DemoFlow/99 failed" in received
    of_first = [item for item in received if item.startswith(("DemoFlow/1: ", "DemoFlow/1 s"))]
    steps = ("start", "work", "join")
    assert of_first == [
        "DemoFlow/1: 3 to write",
        *(
            f"DemoFlow/1: DemoFlow/1/{step} {what}"
            for step in steps
            for what in ("begun", "written")
        ),
        "DemoFlow/1 synced",
    ]
    here.progress.heard.clear()
    sync(here, "DemoFlow/1")
    assert here.progress.heard[0] == "1 selected"
    assert here.progress.heard[-1] == "DemoFlow/1 unchanged"


# --- plan -----------------------------------------------------------------------------------


def test_plan() -> None:
    """A plan says what sync would do; nothing is prepared, written, remembered or asked."""
    here = world()
    [outcome] = plan(here).flow_runs

    assert outcome.status is Status.PLANNED
    assert [run.name for run in outcome.wandb_runs] == [
        "DemoFlow/7/start",
        "DemoFlow/7/work",
        "DemoFlow/7/join",
    ]
    assert outcome.wandb_runs[1].items == ItemCounts(total=2, written=2)
    assert (here.wandb.written, here.payloads.prepared) == ([], [])
    assert here.ledger.written == []


def test_plan_of_what_is_done() -> None:
    """What sync would leave alone is unchanged, unless it is forced."""
    here = world()
    sync(here)

    assert statuses(plan(here)) == [("DemoFlow/7", "unchanged")]
    assert statuses(plan(here, force=True)) == [("DemoFlow/7", "planned")]


def test_account() -> None:
    """What became of each item adds up; an unchanged flow run has the account of its sync."""
    here = world(replace(FAN, tags=("a", "b")))
    here.payloads.gone = {"DemoFlow/7/start/1/v"}
    results = [plan(here), sync(here), find(here), plan(here)]
    planned, *done = [result.flow_runs[0] for result in results]

    assert planned.account == {
        Kind.TASKS: {Ending.WRITTEN: 4},
        Kind.ARTIFACTS: {Ending.WRITTEN: 3, Ending.LOST: 1},
        Kind.TAGS: {Ending.WRITTEN: 2},
        Kind.LOGS: {Ending.WRITTEN: 4},
    }
    for outcome in done:
        assert outcome.account == planned.account
        assert outcome.losses == ()
    assert results[2].totals["account"] == results[1].totals["account"]
    assert [outcome.status for outcome in done] == [
        *(Status.SYNCED, Status.UNCHANGED, Status.UNCHANGED)
    ]


def test_no_account() -> None:
    """A flow run that failed, or is still running, has none: how its items end is not known yet."""
    here = world(replace(FAN, state=FlowRunState.RUNNING))

    assert [run.account for run in sync(here, "DemoFlow/7", "DemoFlow/99").flow_runs] == [None] * 2


def test_plan_of_what_can_not_be_done() -> None:
    """A plan skips and fails as sync does."""
    here = world(replace(FAN, state=FlowRunState.RUNNING))
    result = plan(here, "DemoFlow/7", "DemoFlow/99")

    assert statuses(result) == [("DemoFlow/7", "skipped"), ("DemoFlow/99", "failed")]


# --- the end --------------------------------------------------------------------------------


def test_the_end_waits_for_what_is_being_written() -> None:
    """At the end of it all, what was begun is finished, and nothing else is begun."""
    gate = _WriteGate()
    begun, may_finish = Event(), Event()
    written: list[str] = []

    def write() -> None:
        with gate.open_for_run():
            begun.set()
            may_finish.wait(_PATIENCE)
            written.append("whole")

    def end() -> list[str]:
        gate.end(_PATIENCE)
        return list(written)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(write)
        assert begun.wait(_PATIENCE)
        ended = pool.submit(end)
        assert not wait([ended], timeout=0.05).done
        may_finish.set()
        first.result(_PATIENCE)
        assert ended.result(_PATIENCE) == ["whole"]
        with pytest.raises(CancelledError), gate.open_for_run():
            written.append("too late")

    assert written == ["whole"]


def test_the_end_does_not_wait_for_ever() -> None:
    """What hangs is left alone after a while."""
    gate = _WriteGate()
    with gate.open_for_run():
        gate.end(0.01)
