"""Where a step picked one of several: Metaflow's tasks alone decide, and what is stored of them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence

from tests.compared.metaflow_facts import FlowRunFacts, Held, TaskFacts

__all__ = ["Choices", "find_choices", "is_same_content", "nearest_choices"]

Choices = Mapping[str, Mapping[str, Held]]
"""By pathspec of a task and name: what it has of what several tasks before it had."""


def find_choices(facts: FlowRunFacts) -> Choices:
    """Return what tasks outside of a foreach (or recursion) have of what tasks inside it made."""
    tasks = {task.pathspec: task for tasks in facts.steps.values() for task in tasks}
    choices: dict[str, dict[str, Held]] = {}
    for task in tasks.values():
        parents = [tasks[item] for item in facts.truth.parents.get(task.pathspec, ())]
        inside = [parent for parent in parents if len(parent.place) > len(task.place)]
        before = [tasks[item] for item in facts.ancestors(task.pathspec)]
        for name, held in {**task.passed, **task.held}.items():
            if not any(_has(parent, name, held) for parent in inside):
                continue
            outside = [other for other in before if len(other.place) <= len(task.place)]
            if not any(_has(other, name, held) for other in outside):
                choices.setdefault(task.pathspec, {})[name] = held
    return choices


def nearest_choices(
    facts: FlowRunFacts, choices: Choices, consumer: str, name: str, held: Held
) -> Sequence[str]:
    """Return the tasks before another one that last picked a content; none if nobody did."""
    before = facts.ancestors(consumer)
    own = [
        pathspec
        for pathspec in before
        if name in choices.get(pathspec, {}) and is_same_content(choices[pathspec][name], held)
    ]
    return [item for item in own if not any(item in facts.ancestors(other) for other in own)]


def is_same_content(held: Held, other: Held) -> bool:
    """Return whether two artifacts are the same, even if Metaflow pickled one of them again."""
    if held.stored == other.stored:
        return True
    return pickle.dumps(pickle.loads(held.stored)) == pickle.dumps(pickle.loads(other.stored))


def _has(task: TaskFacts, name: str, held: Held) -> bool:
    own = {**task.passed, **task.held}.get(name)
    return own is not None and is_same_content(own, held)
