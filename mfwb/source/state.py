"""Whether a flow run is over. A failed one and a running one look the same to Metaflow's client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mfwb.snapshot import FlowRunState, Task, TaskState

__all__ = ["flow_run_state"]

_HEARTBEAT_LIMIT = 360_000  # ms; what Metaflow's own service takes for dead
_RETRY_PATIENCE = 3_600_000  # ms; after this a retry that has not begun won't


def flow_run_state(
    tasks: Iterable[Task],
    *,
    end_step: str,
    retries: Mapping[str, int],
    heartbeat_at: int | None,
    now: int,
) -> FlowRunState:
    """Return what a flow run's tasks say about it as a whole.

    Args:
        tasks: all tasks that there are.
        end_step: the name of the last step.
        retries: how often `@retry` allows each step to try again.
        heartbeat_at: epoch ms of the last sign of life; only the metadata service knows.
        now: epoch ms.
    """
    tasks = list(tasks)
    alive = heartbeat_at is not None and now - heartbeat_at < _HEARTBEAT_LIMIT
    if any(task.step == end_step and task.state in _GOOD for task in tasks):
        return FlowRunState.FINISHED
    if any(task.state is TaskState.UNFINISHED for task in tasks):
        return FlowRunState.RUNNING
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if not failed or any(_may_be_retried(task, retries, now) for task in failed):
        return FlowRunState.RUNNING
    if alive and not all(_is_old(task, now, _HEARTBEAT_LIMIT) for task in failed):
        return FlowRunState.RUNNING
    return FlowRunState.FAILED


_GOOD = frozenset({TaskState.OK, TaskState.CAUGHT})


def _may_be_retried(task: Task, retries: Mapping[str, int], now: int) -> bool:
    tries = task.attempts[-1].number + 1 if task.attempts else 0
    return tries <= retries.get(task.step, 0) and not _is_old(task, now, _RETRY_PATIENCE)


def _is_old(task: Task, now: int, limit: int) -> bool:
    return task.finished_at is None or now - task.finished_at > limit
