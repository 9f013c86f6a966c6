"""The parents of each task, from the `self.next` and the foreach frames that tasks recorded.

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

    A parent named the step of the task in its `self.next`. Its foreach indexes are the same; or
    they lack the last one, if the parent began the foreach; or they have one more, if the task
    joins a foreach.
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
    """Return the parents that a recursion allows: each round follows the previous round."""
    if not task.rounds:
        return parents
    before = task.rounds[-1] - 1
    same = [
        parent for parent in parents if parent.step == task.step and parent.rounds[-1:] == (before,)
    ]
    return same or [parent for parent in parents if parent.step != task.step]
