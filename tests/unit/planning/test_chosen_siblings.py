"""Which sibling of a foreach a join chose."""

from __future__ import annotations

from mfwb.lineage import rebuild_lineage
from mfwb.planning.chosen_siblings import find_chosen_tasks
from mfwb.snapshot import FlowRun, Task
from tests.support.flow_runs import at, flow_run, task


def _chosen(run: FlowRun) -> dict[str, str]:
    chosen = find_chosen_tasks(run, rebuild_lineage(run))
    return {step: path.removeprefix("DemoFlow/7/") for step, path in chosen.items()}


def _fan(join: str) -> FlowRun:
    """Return a foreach of two steps and two siblings, and a join that has these values."""
    return flow_run(
        task("start/1", to="work", over="xs", has="xs=1"),
        task("work/2", to="test", has="xs=1 a=2 n=9", foreach=at("work:xs:0")),
        task("work/3", to="test", has="xs=1 a=3 n=9", foreach=at("work:xs:1")),
        task("test/4", to="join", has="xs=1 a=2 b=4 n=9", foreach=at("work:xs:0")),
        task("test/5", to="join", has="xs=1 a=3 b=5 n=9", foreach=at("work:xs:1")),
        task("join/6", to="end", has=join),
        task("end/7", has=join),
    )


def test_one_sibling() -> None:
    """It is chosen with the tasks before it in the foreach."""
    assert _chosen(_fan("a=3 n=9")) == {"test": "test/5", "work": "work/3"}
    assert _chosen(_fan("a=3 b=5")) == {"test": "test/5", "work": "work/3"}


def test_no_sibling() -> None:
    """Not if the join wrote all itself, or took from both, or what is the same in both."""
    assert _chosen(_fan("a=8 n=9")) == {}
    assert _chosen(_fan("a=3 b=4")) == {}
    assert _chosen(_fan("n=9")) == {}


def test_foreachs_in_foreachs() -> None:
    """The joins inside choose, too; only the outermost choice is that of the flow run."""

    def inner(number: int, group: int, index: int, value: int) -> Task:
        frames = at(f"group:gs:{group}", f"work:xs:{index}")
        return task(f"work/{number}", to="pick", has=f"gs=1 xs=1 a={value}", foreach=frames)

    run = flow_run(
        task("start/1", to="group", over="gs", has="gs=1"),
        task("group/2", to="work", over="xs", has="gs=1 xs=1", foreach=at("group:gs:0")),
        task("group/3", to="work", over="xs", has="gs=1 xs=1", foreach=at("group:gs:1")),
        inner(4, 0, 0, 2),
        inner(5, 0, 1, 3),
        inner(6, 1, 0, 4),
        inner(7, 1, 1, 5),
        task("pick/8", to="best", has="a=3", foreach=at("group:gs:0")),
        task("pick/9", to="best", has="a=4", foreach=at("group:gs:1")),
        task("best/10", to="end", has="a=4"),
        task("end/11", has="a=4"),
    )

    assert _chosen(run) == {"pick": "pick/9", "work": "work/6", "group": "group/3"}
