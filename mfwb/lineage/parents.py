"""The parent tasks of each task, from what the tasks recorded.

Metaflow does not store the inputs of a task, and its `parent_tasks` is wrong for resumes,
switches and recursion. But every task stores the `self.next` it took and the foreach frames it
ran in. Both together determine the parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mfwb.errors import LineageError
from mfwb.snapshot import FlowRun, Task

__all__ = ["find_parents", "sort_by_lineage"]

_BASE_EDGE_LIMIT = 10_000
_EDGE_LIMIT_PER_TASK = 10
"""The limits on the number of parents: a base, plus a number for each task. The tasks of a foreach
have one parent each, and their join has all of them: about twice as many parents as tasks."""

_COMPARISON_LIMIT = 20_000_000
"""The limit on comparisons of tasks: in a recursion of n rounds, each round compares all n."""

_Path = tuple[int, ...]
_Arrival = tuple[str, _Path, str]  # a step, the sender's path as seen from it, and the transition


def find_parents(flow_run: FlowRun) -> dict[str, tuple[str, ...]]:
    """Return the pathspecs of the parent tasks of each task, in foreach order.

    The time is linear in the number of tasks and edges. The first step has no parent task: it
    reads the parameters. LineageError if there are more edges than Metaflow can have made: edges
    from every task of one step to every task of another would be millions.
    """
    tasks = list(flow_run.tasks)
    senders = _index_senders(tasks)
    edge_limit = _BASE_EDGE_LIMIT + _EDGE_LIMIT_PER_TASK * len(tasks)
    comparisons = edges = 0
    result: dict[str, tuple[str, ...]] = {}
    for task in tasks:
        arrivals = _find_arrivals(task, senders)
        comparisons += len(arrivals)
        if comparisons > _COMPARISON_LIMIT:
            raise _too_many_error(comparisons)
        parents = _select_parents(task, arrivals)
        edges += len(parents)
        if edges > edge_limit:
            raise _too_many_error(edges)
        result[task.pathspec] = tuple(parent.pathspec for parent in parents)
    return result


def _too_many_error(edges: int) -> LineageError:
    return LineageError(
        f"its tasks have more parents than Metaflow gives them, {edges:,} and more: what was "
        "recorded of their order is damaged"
    )


def sort_by_lineage(tasks: Iterable[Task], parents: dict[str, tuple[str, ...]]) -> list[Task]:
    """Return the tasks with parents first; LineageError with the names of the tasks in a cycle."""
    waiting = {task.pathspec: task for task in tasks}
    open_parents = {
        pathspec: sum(parent in waiting for parent in parents[pathspec]) for pathspec in waiting
    }
    children = defaultdict(list)
    for pathspec in waiting:
        for parent in parents[pathspec]:
            children[parent].append(pathspec)
    ready = [pathspec for pathspec, count in open_parents.items() if count == 0]
    result = []
    for pathspec in ready:  # the list grows while the loop runs
        result.append(waiting.pop(pathspec))
        for child in children[pathspec]:
            open_parents[child] -= 1
            if open_parents[child] == 0:
                ready.append(child)
    if waiting:
        raise LineageError(f"these tasks are their own ancestors: {', '.join(sorted(waiting))}")
    return result


def _path(task: Task) -> _Path:
    return tuple(frame.index for frame in task.foreach)


def _index_senders(tasks: list[Task]) -> dict[_Arrival, list[Task]]:
    """Return the tasks by the ways in which a task of the next step can follow them."""
    senders: dict[_Arrival, list[Task]] = defaultdict(list)
    for task in tasks:
        if (
            task.transition is None or task.is_control
        ):  # the parents of a join are the tasks that the control task started
            continue
        path = _path(task)
        for step in task.transition.steps:
            if task.transition.foreach is not None:
                senders[step, path, "fan-out"].append(task)
                continue
            senders[step, path, "straight"].append(task)
            if path:
                senders[step, path[:-1], "fan-in"].append(task)
    return senders


def _find_arrivals(task: Task, senders: dict[_Arrival, list[Task]]) -> list[Task]:
    """Return the tasks that the task may follow, from any round of a recursion."""
    path = _path(task)
    if task.is_control:
        return senders.get((task.step, path, "fan-out"), [])
    result = [*senders.get((task.step, path, "straight"), ())]
    result += senders.get((task.step, path, "fan-in"), ())
    if path:
        result += senders.get((task.step, path[:-1], "fan-out"), ())
    return result


def _select_parents(task: Task, arrivals: list[Task]) -> list[Task]:
    return sorted(_filter_by_round(task, arrivals), key=lambda parent: (_path(parent), parent.step))


def _filter_by_round(task: Task, candidates: list[Task]) -> list[Task]:
    """Return the candidates that recursion allows.

    A round follows the round before it, and the first round follows other steps. The first round
    is not always 0: directly after another recursive step, Metaflow continues the count.
    """
    if not task.rounds:
        return candidates
    before = (task.rounds[-1] - 1,)
    same_step = [
        candidate
        for candidate in candidates
        if candidate.step == task.step and candidate.rounds[-1:] == before
    ]
    return same_step or [candidate for candidate in candidates if candidate.step != task.step]
