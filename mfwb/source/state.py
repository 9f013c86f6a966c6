"""Whether a flow run is over. A failed one and a running one look the same to Metaflow's client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mfwb.snapshot import FlowRunState, Task, TaskState

__all__ = ["Life", "flow_run_state"]

_HEARTBEAT_LIMIT = 360_000  # ms; what Metaflow's own service takes for dead
_RETRY_PATIENCE = 3_600_000  # ms; after this a retry that has not begun won't
_NEXT_ATTEMPT = 60_000  # ms; the same on the machine of the scheduler, which goes on at once


@dataclass(frozen=True, slots=True)
class Life:
    """When a flow run was last known to be alive.

    Attributes:
        seen_at: epoch ms of the last thing that any of its tasks recorded.
        heartbeat_at: epoch ms of the last heartbeat; None: whoever runs it sends none. Only the
            metadata service knows.
        abandoned_after: ms without a sign of life after which nothing more will come.
        now: epoch ms.
    """

    seen_at: int
    heartbeat_at: int | None
    abandoned_after: int
    now: int

    @property
    def beats(self) -> bool:
        """Whether its heart beats."""
        return self.heartbeat_at is not None and self.now - self.heartbeat_at < _HEARTBEAT_LIMIT

    @property
    def is_over(self) -> bool:
        """Whether there was no sign of life for too long."""
        if self.heartbeat_at is None:
            return self.now - self.seen_at >= self.abandoned_after
        limit = min(_HEARTBEAT_LIMIT, self.abandoned_after)
        return self.now - max(self.heartbeat_at, self.seen_at) >= limit


def flow_run_state(
    tasks: Iterable[Task],
    *,
    end_step: str,
    retries: Mapping[str, int],
    life: Life,
    gave_up: bool = False,
) -> FlowRunState:
    """Return what a flow run's tasks say about it as a whole.

    One whose tasks don't say that it is over may have been killed, which nobody writes down. It is
    over then when it has given no sign of life for so long: failed, if a task of it failed, else
    abandoned.

    Args:
        tasks: all tasks that there are.
        end_step: the name of the last step.
        retries: how often `@retry` allows each step to try again.
        life: when it was last known to be alive.
        gave_up: whether Metaflow's scheduler is known to have given up; it kills what is left then.
    """
    tasks = list(tasks)
    if any(task.step == end_step and task.state in _GOOD for task in tasks):
        return FlowRunState.FINISHED
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if life.is_over:
        return FlowRunState.FAILED if failed else FlowRunState.ABANDONED
    is_at_work = any(task.state is TaskState.UNFINISHED for task in tasks)
    if gave_up:
        is_being_killed = is_at_work and life.now - life.seen_at < _HEARTBEAT_LIMIT
        return FlowRunState.RUNNING if is_being_killed else FlowRunState.FAILED
    resumed = any(task.origin for task in tasks)
    to_come = any(_may_be_retried(one, retries, life.now, resumed=resumed) for one in failed)
    if is_at_work or not failed or to_come:
        return FlowRunState.RUNNING
    if life.beats and not all(_is_old(task, life.now, _HEARTBEAT_LIMIT) for task in failed):
        return FlowRunState.RUNNING
    return FlowRunState.FAILED


def is_remote(task: Task) -> bool:
    """Whether a task ran elsewhere than its scheduler, where it had to wait for its turn."""
    return any(name.startswith(("aws-batch-", "kubernetes-")) for name in task.metadata)


_GOOD = frozenset({TaskState.OK, TaskState.CAUGHT})


def _may_be_retried(task: Task, retries: Mapping[str, int], now: int, *, resumed: bool) -> bool:
    tries = task.attempts[-1].number + 1 if task.attempts else 0
    if tries <= retries.get(task.step, 0):
        return not _is_old(task, now, _RETRY_PATIENCE)
    # A resumed flow run records the graph of its origin: it may have got a @retry since.
    patience = _RETRY_PATIENCE if is_remote(task) else _NEXT_ATTEMPT
    return resumed and not _is_old(task, now, patience)


def _is_old(task: Task, now: int, limit: int) -> bool:
    return task.finished_at is None or now - task.finished_at > limit
