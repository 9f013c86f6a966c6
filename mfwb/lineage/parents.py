"""Who came before whom, from what each task itself recorded.

Metaflow does not store the inputs of a task, and its `parent_tasks` is wrong for resumes,
switches and recursion. But every task stores the `self.next` it took and the foreach frames it
ran in, and together these decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mfwb.errors import LineageError
from mfwb.snapshot import FlowRun, Task

__all__ = ["find_parents", "sort_by_lineage"]

_EDGES = 10_000
_EDGES_EACH = 10
"""How many parents there may be in all, and for each task: those of a foreach have one each, and
their join has all of them. That makes about twice as many as tasks."""

_LOOKS = 20_000_000
"""How many tasks may be looked at for them; of n rounds of a recursion, each one looks at all n."""

_Path = tuple[int, ...]
_Arrival = tuple[str, _Path, str]  # a step, the sender's path as seen from there, and the way


def find_parents(flow_run: FlowRun) -> dict[str, tuple[str, ...]]:
    """Return for each task's pathspec those of its parent tasks, in foreach order.

    Linear in the number of tasks and edges. The first step has no parent task: what it reads
    are the parameters. LineageError if there are more edges than Metaflow can have made: each task
    of a step from each one of another step are millions.
    """
    tasks = list(flow_run.tasks)
    senders = _index_senders(tasks)
    most = _EDGES + _EDGES_EACH * len(tasks)
    looks = edges = 0
    found: dict[str, tuple[str, ...]] = {}
    for task in tasks:
        arrivals = _arrivals(task, senders)
        looks += len(arrivals)
        if looks > _LOOKS:
            raise _too_many(looks)
        parents = _parents(task, arrivals)
        edges += len(parents)
        if edges > most:
            raise _too_many(edges)
        found[task.pathspec] = tuple(parent.pathspec for parent in parents)
    return found


def _too_many(edges: int) -> LineageError:
    return LineageError(
        f"its tasks have more parents than Metaflow gives them, {edges:,} and more: what was "
        "recorded of their order is damaged"
    )


def sort_by_lineage(tasks: Iterable[Task], parents: dict[str, tuple[str, ...]]) -> list[Task]:
    """Return the tasks, parents first; LineageError names the tasks of a cycle."""
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
    for pathspec in ready:  # grows while we walk it
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
    """File each task under every way in which a task of the next step may have come from it."""
    senders: dict[_Arrival, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.transition is None or task.is_control:  # a join has those that it set off
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


def _arrivals(task: Task, senders: dict[_Arrival, list[Task]]) -> list[Task]:
    """Return the tasks that it may have come from, of whatever round."""
    path = _path(task)
    if task.is_control:
        return senders.get((task.step, path, "fan-out"), [])
    found = [*senders.get((task.step, path, "straight"), ())]
    found += senders.get((task.step, path, "fan-in"), ())
    if path:
        found += senders.get((task.step, path[:-1], "fan-out"), ())
    return found


def _parents(task: Task, arrivals: list[Task]) -> list[Task]:
    return sorted(_of_the_round_before(task, arrivals), key=lambda one: (_path(one), one.step))


def _of_the_round_before(task: Task, candidates: list[Task]) -> list[Task]:
    """Keep what recursion allows: a round comes from the one before, the first from other steps.

    The first is not always 0: right behind another recursive step Metaflow goes on counting.
    """
    if not task.rounds:
        return candidates
    before = (task.rounds[-1] - 1,)
    same_step = [one for one in candidates if one.step == task.step and one.rounds[-1:] == before]
    return same_step or [one for one in candidates if one.step != task.step]
