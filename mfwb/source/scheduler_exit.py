"""Whether Metaflow's own scheduler has given up on a flow run, according to its records.

The scheduler (`metaflow/runtime.py`, 2.19.39) runs a flow on one machine, without Argo, Step
Functions or Airflow, and records how the process of each attempt ended. It gives up as soon as an
attempt failed that has no retry left; as soon as a process ended with code 0 but its task recorded
no outcome; and when a step other than the last one took no `self.next`. Then it kills the running
tasks, and starts no new ones. This does not depend on time, nor on heartbeats, which go on until
the process has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mfwb.snapshot import Task, TaskState
from mfwb.source.graph import GraphInfo
from mfwb.source.process_exits import ProcessExit

__all__ = ["has_given_up"]

_SCHEDULER = "dev"
"""Value of the task metadata `runtime` under Metaflow's own scheduler."""

_NO_RETRY = 202
"""Return code with which a task forbids a retry (METAFLOW_EXIT_DISALLOW_RETRY)."""


def has_given_up(
    tasks: Iterable[Task],
    exits: Mapping[str, ProcessExit],
    graph: GraphInfo,
    *,
    without_next: Collection[str],
) -> bool:
    """Whether the scheduler is known to have given up.

    Args:
        tasks: all tasks.
        exits: how the processes of unsuccessful tasks, and of the last task, ended, by pathspec.
        graph: of the flow; a resumed flow run has that of its origin, which may differ.
        without_next: pathspecs of tasks that are known to have taken no `self.next`. Metaflow
            records the success of a task a moment before its `self.next`.
    """
    tasks = list(tasks)
    is_resumed = any(task.origin for task in tasks)
    own = [task for task in tasks if task.metadata.get("runtime") == _SCHEDULER]
    return any(
        _is_last_failure(task, exits.get(task.pathspec), graph, is_resumed=is_resumed)
        or (not is_resumed and task.pathspec in without_next and _has_following_steps(task, graph))
        for task in own
    )


def _is_last_failure(
    task: Task, process_exit: ProcessExit | None, graph: GraphInfo, *, is_resumed: bool
) -> bool:
    if process_exit is None or not (
        task.state is TaskState.FAILED or _failed_after_success(task, process_exit)
    ):
        return False
    if process_exit.killed or process_exit.return_code in {0, _NO_RETRY}:
        return True
    tries = task.attempts[-1].number + 1 if task.attempts else 0
    return graph.is_recorded and not is_resumed and tries > graph.retries.get(task.step, 0)


def _failed_after_success(task: Task, process_exit: ProcessExit) -> bool:
    """Whether a process failed after its task had recorded its success.

    This happens if a metadata provider refuses the artifacts.
    """
    return task.state in {TaskState.OK, TaskState.CAUGHT} and process_exit.return_code != 0


def _has_following_steps(task: Task, graph: GraphInfo) -> bool:
    """Whether a task was successful and other steps follow its step."""
    follows = {step.name: step.next for step in graph.steps}
    is_last = task.step == graph.end_step or not follows.get(task.step)
    return task.state is TaskState.OK and not is_last
