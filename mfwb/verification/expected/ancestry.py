"""Who came before whom, by what the tasks recorded of their `self.next` and foreach frames.

Metaflow does not record the inputs of a task, and its own `parent_tasks` is wrong for resumed flow
runs, switches and recursion (2.19.39).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts

__all__ = ["find_parents"]


def find_parents(facts: FlowRunFacts) -> dict[str, tuple[TaskFacts, ...]]:
    """Return the parents of each task by its path, in the order of the steps.

    A task follows those that named its step in their `self.next` and had the same place in all
    foreaches; or the place around its own foreach, if they began that; or one inside, if it joins.
    """
    leading: dict[tuple[str, tuple[int, ...]], list[TaskFacts]] = defaultdict(list)
    for task in facts.tasks:
        for step in task.next_steps:
            leading[step, task.indexes].append(task)
            if task.foreach is None and task.indexes:
                leading[step, (*task.indexes[:-1], -1)].append(task)
    return {task.path: tuple(_parents(task, leading)) for task in facts.tasks}


def _parents(
    task: TaskFacts, leading: Mapping[tuple[str, tuple[int, ...]], Sequence[TaskFacts]]
) -> Sequence[TaskFacts]:
    at = leading.get((task.step, task.indexes), ())
    parents = [parent for parent in at if (parent.foreach is not None) == task.is_control]
    parents += [
        parent
        for parent in leading.get((task.step, (*task.indexes, -1)), ())
        if not parent.is_control and parent.foreach is None
    ]
    if task.indexes and not task.is_control:
        parents += [
            parent
            for parent in leading.get((task.step, task.indexes[:-1]), ())
            if parent.foreach is not None
        ]
    unique = {parent.path: parent for parent in parents if not parent.is_control or task.is_control}
    return _of_the_round_before(task, list(unique.values()))


def _of_the_round_before(task: TaskFacts, parents: Sequence[TaskFacts]) -> Sequence[TaskFacts]:
    """Return those that a recursion allows: a round follows the one before it."""
    if not task.rounds:
        return parents
    before = task.rounds[-1] - 1
    same = [
        parent for parent in parents if parent.step == task.step and parent.rounds[-1:] == (before,)
    ]
    return same or [parent for parent in parents if parent.step != task.step]
