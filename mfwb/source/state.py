"""State of a flow run. Metaflow's client does not distinguish a failed one from a running one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mfwb.snapshot import FlowRunState, Task, TaskState

__all__ = ["Liveness", "determine_state"]

_HEARTBEAT_LIMIT = 360_000  # ms; after this Metaflow's own service takes a flow run for dead
_RETRY_PATIENCE = 3_600_000  # ms; a retry that has not begun after this will not begin
_LOCAL_RETRY_PATIENCE = 60_000  # ms; on the scheduler's own machine, which retries at once


@dataclass(frozen=True, slots=True)
class Liveness:
    """When a flow run was last known to be alive.

    Attributes:
        seen_at: epoch ms of the last thing that any of its tasks recorded.
        heartbeat_at: epoch ms of the last heartbeat; None: the scheduler sends none. Only the
            metadata service records it.
        abandoned_after: ms without activity after which the flow run counts as abandoned.
        now: epoch ms.
    """

    seen_at: int
    heartbeat_at: int | None
    abandoned_after: int
    now: int

    @property
    def has_heartbeat(self) -> bool:
        """Whether the last heartbeat is recent."""
        return self.heartbeat_at is not None and self.now - self.heartbeat_at < _HEARTBEAT_LIMIT

    @property
    def is_silent_too_long(self) -> bool:
        """Whether there was no activity for too long."""
        if self.heartbeat_at is None:
            return self.now - self.seen_at >= self.abandoned_after
        limit = min(_HEARTBEAT_LIMIT, self.abandoned_after)
        return self.now - max(self.heartbeat_at, self.seen_at) >= limit


def determine_state(
    tasks: Iterable[Task],
    *,
    end_step: str,
    retries: Mapping[str, int],
    liveness: Liveness,
    has_given_up: bool = False,
) -> FlowRunState:
    """Return the state of a flow run, determined from its tasks.

    If no task shows that the flow run is over, it may have been killed, which Metaflow does not
    record. It counts as over after a long time without activity: as failed if a task of it
    failed, else as abandoned.

    Args:
        tasks: all tasks of the flow run.
        end_step: the name of the last step.
        retries: how many retries each step has.
        liveness: when the flow run was last known to be alive.
        has_given_up: whether Metaflow's scheduler is known to have given up; it then kills the
            tasks that still run.
    """
    tasks = list(tasks)
    if any(task.step == end_step and task.state in _SUCCESSFUL for task in tasks):
        return FlowRunState.FINISHED
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if liveness.is_silent_too_long:
        return FlowRunState.FAILED if failed else FlowRunState.ABANDONED
    has_unfinished_tasks = any(task.state is TaskState.UNFINISHED for task in tasks)
    if has_given_up:
        is_being_killed = (
            has_unfinished_tasks and liveness.now - liveness.seen_at < _HEARTBEAT_LIMIT
        )
        return FlowRunState.RUNNING if is_being_killed else FlowRunState.FAILED
    is_resumed = any(task.origin for task in tasks)
    is_retry_expected = any(
        _may_be_retried(task, retries, liveness.now, is_resumed=is_resumed) for task in failed
    )
    if has_unfinished_tasks or not failed or is_retry_expected:
        return FlowRunState.RUNNING
    if liveness.has_heartbeat and not all(
        _ended_before(task, liveness.now, _HEARTBEAT_LIMIT) for task in failed
    ):
        return FlowRunState.RUNNING
    return FlowRunState.FAILED


def is_remote(task: Task) -> bool:
    """Whether a task ran on another machine than its scheduler, where it may wait in a queue."""
    return any(name.startswith(("aws-batch-", "kubernetes-")) for name in task.metadata)


_SUCCESSFUL = frozenset({TaskState.OK, TaskState.CAUGHT})


def _may_be_retried(task: Task, retries: Mapping[str, int], now: int, *, is_resumed: bool) -> bool:
    tries = task.attempts[-1].number + 1 if task.attempts else 0
    if tries <= retries.get(task.step, 0):
        return not _ended_before(task, now, _RETRY_PATIENCE)
    # A resumed flow run records the graph of its origin: a @retry may have been added since.
    patience = _RETRY_PATIENCE if is_remote(task) else _LOCAL_RETRY_PATIENCE
    return is_resumed and not _ended_before(task, now, patience)


def _ended_before(task: Task, now: int, limit: int) -> bool:
    return task.finished_at is None or now - task.finished_at > limit
