"""The oldest flow run logs shared content first, whatever the number of workers."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from mfwb.config import Settings
from mfwb.pipeline import sync_flow_runs
from mfwb.pipeline.log_order import LogOrder
from mfwb.pipeline.selection import Selection
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ReadyRun, Session, WrittenRun
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import parse
from tests.support.fakes import MemoryMetaflow, MemorySession, MemoryWandb, World
from tests.support.flow_runs import at, data_frame, flow_run, model, renamed, task
from tests.unit.planning.plans import plan_of


def fan(number: int, **contents: str) -> FlowRun:
    """Return a flow run whose artifacts have some contents, each its own if not said."""
    of = {name: contents.get(name, f"{name}{number}") for name in ("start", "one", "two", "end")}
    whole = flow_run(
        task("start/1", to="work", over="items", has=[data_frame("x", of["start"])]),
        task("work/2", to="join", has=[data_frame("x", of["one"])], foreach=at("work:items:0")),
        task("work/3", to="join", has=[data_frame("x", of["two"])], foreach=at("work:items:1")),
        task("join/4", has=[data_frame("x", of["end"])]),
    )
    return renamed(whole, "DemoFlow", str(number))


@dataclass
class SlowWandb(MemoryWandb):
    """W&B that takes its time, and says who logged which contents and types first."""

    first: dict[tuple[str, str], str] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - delays

    @contextmanager
    def open(
        self,
        plan: Plan,
        *,
        writer: str,  # noqa: ARG002 - there is no other
        written: Collection[str] = (),
        forgotten: Collection[str] = (),  # noqa: ARG002 - it deletes none
    ) -> Iterator[Session]:
        """Yield a session."""
        yield SlowSession(self, plan, frozenset(written))


class SlowSession(MemorySession):
    """A session of `SlowWandb`."""

    wandb: SlowWandb

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write a W&B run, some time."""
        time.sleep(self.wandb.chance.random() / 100)
        if run.name not in self.wandb.refused:
            for output in run.outputs:
                content = str(sorted(file.content.sha1 for file in output.files))
                self.wandb.first.setdefault((output.name, content), run.name)
                self.wandb.first.setdefault((output.name, "type"), output.type)
        time.sleep(self.wandb.chance.random() / 100)
        return super().write(run, ready)


def sync(runs: list[FlowRun], wandb: SlowWandb, granularity: str = "task") -> None:
    """Sync flow runs with many workers."""
    here = World(metaflow=MemoryMetaflow(runs), wandb=wandb)
    requested = Selection(tuple(parse(run.pathspec) for run in runs))
    settings = Settings.model_validate({"workers": 8, "granularity": granularity})
    sync_flow_runs(requested, settings, here.parts)


def oldest(runs: list[FlowRun]) -> dict[tuple[str, str], str]:
    """Return who has to log each content: the first by flow run, level and place."""
    result: dict[tuple[str, str], str] = {}
    for item in runs:
        for run in (run for level in plan_of(item, granularity="task").levels() for run in level):
            for output in run.outputs:
                content = str(sorted(file.content.sha1 for file in output.files))
                result.setdefault((output.name, content), run.name)
                result.setdefault((output.name, "type"), output.type)
    return result


@pytest.mark.parametrize("seed", range(4))
def test_the_oldest_is_first(seed: int) -> None:
    """Whatever is shared, on whatever level, by siblings too."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    names = ("start", "one", "two", "end")
    runs = [fan(number, **{name: chance.choice("abc") for name in names}) for number in range(1, 9)]
    wandb = SlowWandb(chance=chance)

    sync(runs, wandb)

    assert wandb.first == oldest(runs)
    assert len(wandb.written) == 4 * len(runs)


def test_the_oldest_settles_the_type() -> None:
    """The name is a dataset for good if the oldest flow run says so, however late."""
    old = flow_run(task("start/1", to="end"), task("end/2", has=[data_frame("x", "a")]))
    young = flow_run(task("start/1", to="end", has=[model("x", "b")]), task("end/2"))
    wandb = SlowWandb()

    sync([renamed(old, "DemoFlow", "1"), renamed(young, "DemoFlow", "2")], wandb)

    assert wandb.first["x", "type"] == "dataset"


def test_who_fails_is_not_waited_for() -> None:
    """The next one is first then."""
    runs = [fan(number, end="same") for number in (1, 2, 3)]
    wandb = SlowWandb(refused={"DemoFlow/1/join/4"})

    sync(runs, wandb)

    assert "DemoFlow/2/join/4" in wandb.first.values()
    assert len(wandb.written) == 11


def test_what_uses_artifacts_of_one_that_fails_is_not_written() -> None:
    """It may have been begun, and nothing waits for it."""
    runs = [fan(number, end="same") for number in (1, 2, 3)]
    wandb = SlowWandb(refused={"DemoFlow/1/start/1"})

    sync(runs, wandb)

    assert not [name for name in wandb.written if name.startswith("DemoFlow/1/")]
    assert len(wandb.written) == 8


def test_what_differs_is_not_waited_for() -> None:
    """Flow runs that share nothing are written side by side."""
    log_order = LogOrder()
    plans = [plan_of(fan(number)) for number in (1, 2)]
    turn, other = [log_order.add(plan) for plan in plans]

    for item, plan in zip((other, turn), reversed(plans), strict=True):
        for level in plan.levels():
            assert list(item.iterate_when_allowed(level)) == level


def test_siblings_come_after_one_that_waits() -> None:
    """Those that log new contents of its names: they would get its version numbers."""
    logged = [
        [model("model", "0"), data_frame("table", "equal")],
        [model("model", "1"), data_frame("table", "equal")],
        [model("model", "2")],
        [data_frame("table", "last")],
    ]
    tasks = [
        task(f"work/{number + 2}", to="join", has=has, foreach=at(f"work:items:{number}"))
        for number, has in enumerate(logged)
    ]
    plan = plan_of(
        flow_run(
            task("start/1", to="work", over="items", has=[data_frame("x", "start")]),
            *tasks,
            task("join/6", has=[data_frame("x", "join")]),
        ),
        granularity="task",
    )
    turn = LogOrder().add(plan)
    _, level, _ = plan.levels()

    order = []
    for run in turn.iterate_when_allowed(level):
        order.append(run.name[-1])
        if len(order) == 2:  # no other one may be written before the first one is
            turn.finish_run(level[0], logged=True)

    assert order == ["2", "5", "3", "4"]


def test_nothing_is_kept() -> None:
    """When all flow runs are over, nothing is known of them any more."""
    log_order = LogOrder()
    plan = plan_of(fan(1, one="a", two="a"), granularity="task")
    turn, other = log_order.add(plan), log_order.add(plan)
    for level in plan.levels():
        for run in turn.iterate_when_allowed(level):
            turn.finish_run(run, logged=True)
    other.finish()

    assert vars(log_order)["_contents"] == vars(log_order)["_names"] == {}
