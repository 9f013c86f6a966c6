"""W&B runs of the tasks at which a flow run stopped before its last step are failed."""

from __future__ import annotations

import pytest

from mfwb.snapshot import FlowRunState, Task, TaskState
from tests.support.flow_runs import at, flow_run, task
from tests.unit.planning.plans import plan_of

START = task("start/1", to="work", over="xs")
WORK = tuple(task(f"work/{n + 2}", to="join", foreach=at(f"start:xs:{n}")) for n in range(3))
JOIN = task("join/5", to="end")
BROKEN = task("work/4", state=TaskState.FAILED, foreach=at("start:xs:2"))


@pytest.mark.parametrize(
    ("tasks", "state", "failed"),
    [
        ((START, *WORK), "abandoned", {"work"}),  # its scheduler was killed; its tasks went on
        ((START,), "failed", {"start"}),  # more splits than --max-num-splits
        ((START, *WORK, JOIN), "abandoned", {"join"}),
        ((START, *WORK[:2], BROKEN), "abandoned", {"work"}),  # a task says so itself
        ((START, *WORK, JOIN, task("end/6")), "finished", set()),
    ],
)
def test_the_last_step_reached_failed(
    tasks: tuple[Task, ...], state: str, failed: set[str]
) -> None:
    """Where all tasks went well and the flow run did not, its W&B runs don't all look finished."""
    run = flow_run(*tasks, state=FlowRunState(state))

    planned = plan_of(run).runs

    assert {run.job_type for run in planned if run.exit_code} == failed
    says_so = {run.job_type for run in planned if "stopped" in run.summary["metaflow"]}
    assert says_so == (failed if BROKEN not in tasks else set())


def test_each_task_of_the_frontier_failed() -> None:
    """At granularity task it is the tasks after which nothing came, and no others."""
    left, right = task("left/2", to="join"), task("right/3", to="more")
    run = flow_run(
        task("start/1", to="left right"),
        *(left, right, task("more/4", to="join")),
        state=FlowRunState.ABANDONED,
    )

    planned = plan_of(run, granularity="task").runs

    names = {item.name.removeprefix(f"{run.pathspec}/") for item in planned if item.exit_code}
    assert names == {"left/2", "more/4"}
