"""State of a flow run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfwb.snapshot import Task, TaskState
from mfwb.source.state import Liveness, determine_state
from tests.support.flow_runs import task, tried

NOW = 1_700_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

START = task("start/1", to="work")
RUNNING = task("work/2", state=TaskState.UNFINISHED, attempts=(tried(NOW, None, ok=None),))
DONE = (START, task("work/2", to="end"), task("end/3"))


def failed(ago: int, number: int = 0) -> Task:
    """Return a task whose attempt of that number failed so many ms ago."""
    return task(
        "work/2",
        state=TaskState.FAILED,
        attempts=(tried(NOW - ago - SECOND, NOW - ago, ok=False, number=number),),
    )


def state(  # noqa: PLR0913 - each is a fact of its own
    *tasks: Task,
    retries: int = 0,
    seen: int = 0,
    heartbeat: int | None = None,
    abandoned_after: int = DAY,
    end: str = "end",
    has_given_up: bool = False,
) -> str:
    """Return the state of a flow run that was last active so many ms ago."""
    return determine_state(
        tasks,
        end_step=end,
        retries={"work": retries},
        liveness=Liveness(
            seen_at=NOW - seen,
            heartbeat_at=None if heartbeat is None else NOW - heartbeat,
            abandoned_after=abandoned_after,
            now=NOW,
        ),
        has_given_up=has_given_up,
    ).value


def test_finished() -> None:
    """A flow run is finished once its last step is, with or without recent heartbeats."""
    assert state(*DONE) == "finished"
    assert state(*DONE, heartbeat=SECOND) == "finished"


def test_last_step_by_another_name() -> None:
    """The graph names the last step."""
    assert state(START, task("finish/2"), end="finish") == "finished"
    assert state(*DONE, end="finish") == "running"


def test_last_step_that_was_caught() -> None:
    """If @catch caught an exception in the last step, the flow run is finished."""
    assert state(START, task("end/2", state=TaskState.CAUGHT)) == "finished"


def test_last_step_that_failed() -> None:
    """After an uncaught exception in the last step it is failed."""
    assert state(START, task("end/2", state=TaskState.FAILED)) == "failed"


def test_running() -> None:
    """A task without an outcome may still be running."""
    assert state(START, RUNNING) == "running"


def test_between_two_steps() -> None:
    """If all tasks succeeded but the last step is missing, the next step is about to begin."""
    assert state(START) == "running"
    assert state() == "running"


def test_failed() -> None:
    """A flow run with a failed task and no active one is failed."""
    assert state(START, failed(ago=SECOND)) == "failed"


def test_sibling_still_at_work() -> None:
    """An unfinished sibling of a failed task keeps the flow run running."""
    assert state(START, failed(ago=HOUR), RUNNING) == "running"


@pytest.mark.parametrize(
    ("number", "retries", "ago", "expected"),
    [
        (0, 1, MINUTE, "running"),  # the second attempt is to come
        (1, 1, MINUTE, "failed"),  # it was the last
        (1, 2, MINUTE, "running"),
        (0, 1, HOUR + MINUTE, "failed"),  # it won't come any more
    ],
)
def test_retry_to_come(number: int, retries: int, ago: int, expected: str) -> None:
    """A failed task is retried up to the number of @retry, but not after an hour."""
    assert state(START, failed(ago, number), retries=retries) == expected


@pytest.mark.parametrize(
    ("heartbeat", "ago", "expected"),
    [
        (10 * SECOND, 10 * SECOND, "running"),  # siblings may follow
        (10 * SECOND, 7 * MINUTE, "failed"),  # it had the time to end
        (7 * MINUTE, 10 * SECOND, "failed"),  # what Metaflow's service takes for dead
    ],
)
def test_heartbeat(heartbeat: int, ago: int, expected: str) -> None:
    """With heartbeats, a flow run has some minutes after a failure to end."""
    assert state(START, failed(ago), heartbeat=heartbeat) == expected


# --- abandoned ------------------------------------------------------------------------------


@pytest.mark.parametrize("tasks", [(START, RUNNING), (START,), ()])
def test_abandoned(tasks: tuple[Task, ...]) -> None:
    """Nothing records that a flow run was killed in a task, between steps or before the first."""
    assert state(*tasks, seen=DAY - SECOND) == "running"
    assert state(*tasks, seen=DAY) == "abandoned"
    assert state(*tasks, seen=5 * SECOND, abandoned_after=5 * SECOND) == "abandoned"


def test_abandoned_after_a_failure() -> None:
    """With a failed task, a sibling without outcome and no activity, it is failed."""
    assert state(START, failed(ago=DAY), RUNNING, seen=DAY) == "failed"
    assert (
        state(START, failed(ago=2 * SECOND), retries=1, seen=SECOND, abandoned_after=0) == "failed"
    )


def test_finished_is_never_abandoned() -> None:
    """A finished flow run stays finished."""
    assert state(*DONE, seen=400 * DAY, heartbeat=400 * DAY) == "finished"


@pytest.mark.parametrize(
    ("heartbeat", "seen", "expected"),
    [
        (10 * SECOND, 30 * DAY, "running"),  # a long task, and somebody waits for it
        (5 * MINUTE, 30 * DAY, "running"),
        (6 * MINUTE, 30 * DAY, "abandoned"),  # what Metaflow's service takes for dead
        (30 * DAY, 10 * SECOND, "running"),  # a task goes on in the cloud without its runtime
        (30 * DAY, 6 * MINUTE, "abandoned"),
    ],
)
def test_heart_that_stopped(heartbeat: int, seen: int, expected: str) -> None:
    """With heartbeats, some minutes without activity are enough."""
    assert state(START, RUNNING, heartbeat=heartbeat, seen=seen) == expected


def test_no_patience() -> None:
    """`abandoned_after` can be short, even with recent heartbeats."""
    assert state(START, RUNNING, heartbeat=0, seen=0, abandoned_after=0) == "abandoned"
    assert state(START, failed(ago=0), heartbeat=0, seen=0, abandoned_after=0) == "failed"


# --- given up -------------------------------------------------------------------------------


def test_the_scheduler_gave_up() -> None:
    """It is failed at once, also with heartbeats; tasks that are being killed get some minutes."""
    assert state(START, failed(ago=SECOND), heartbeat=SECOND, has_given_up=True) == "failed"
    assert state(START, heartbeat=SECOND, has_given_up=True) == "failed"
    assert state(START, failed(ago=SECOND), RUNNING, seen=SECOND, has_given_up=True) == "running"
    assert state(START, failed(ago=HOUR), RUNNING, seen=7 * MINUTE, has_given_up=True) == "failed"
    assert state(*DONE, has_given_up=True) == "finished"


def test_a_retry_that_a_resumed_flow_run_may_have_got() -> None:
    """It has the graph of its origin, perhaps without @retry: a retry may follow."""
    clone = task("start/1", to="work", origin="DemoFlow/6/start/1")
    remote = replace(failed(ago=2 * MINUTE), metadata={"kubernetes-pod-name": "p"})

    assert state(clone, failed(ago=SECOND)) == "running"
    assert state(clone, failed(ago=2 * MINUTE)) == "failed"
    assert state(clone, remote) == "running"
