"""Whether Metaflow's own scheduler has given up on a flow run, told from what it wrote.

The scheduler (`metaflow/runtime.py`, 2.19.39), which runs a flow on a machine and not in Argo, Step
Functions or Airflow, notes how the process of each attempt ended. It gives up as soon as one failed
that is not to be tried again, or ended as if all were well without a word of the task; and when a
step that is not the last one took no `self.next`. Then it kills what is left, and begins nothing
more. None of that has to do with time, or with a heart that beats until its process is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mfwb.snapshot import Task, TaskState
from mfwb.source.graph import GraphInfo
from mfwb.source.process_exits import ProcessExit

__all__ = ["has_given_up"]

_SCHEDULER = "dev"
"""What tasks note as their runtime that Metaflow's own scheduler runs."""

_NO_RETRY = 202
"""The return code by which a task forbids another attempt (METAFLOW_EXIT_DISALLOW_RETRY)."""


def has_given_up(
    tasks: Iterable[Task],
    exits: Mapping[str, ProcessExit],
    graph: GraphInfo,
    *,
    without_next: Collection[str],
) -> bool:
    """Whether the scheduler is known to have given up.

    Args:
        tasks: all that there are.
        exits: how the processes of tasks that did not go well, and of the last one, ended, by
            pathspec.
        graph: of the flow; that of its origin, if it was resumed, which may be another one.
        without_next: pathspecs of tasks that are known to have taken no `self.next`. Metaflow says
            that a task went well a moment before it stores what that took.
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
    """Whether a process failed after its task had said that it went well.

    So it is where a metadata provider does not take the artifacts.
    """
    return task.state in {TaskState.OK, TaskState.CAUGHT} and process_exit.return_code != 0


def _has_following_steps(task: Task, graph: GraphInfo) -> bool:
    """Whether a task went well, and others follow its step."""
    follows = {step.name: step.next for step in graph.steps}
    is_last = task.step == graph.end_step or not follows.get(task.step)
    return task.state is TaskState.OK and not is_last
