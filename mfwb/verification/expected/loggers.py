"""Which task's W&B run logs what a task has: the one that wrote it, or one that picked it.

A step that receives several under one name and passes on one of them (a join of a foreach, or the
step after a recursion) logs that one by itself, if they are in one W&B artifact: docs/mapping.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.written import History

__all__ = ["Loggers"]

FileNeed = Callable[[TaskFacts, str], "Need | None"]
"""Whether a W&B run has to log what a task has as a file; None: it does not."""


class Loggers:
    """The tasks in whose W&B runs the artifacts of a flow run are logged."""

    def __init__(
        self,
        facts: FlowRunFacts,
        history: History,
        merged: Collection[str],
        file_need: FileNeed,
    ) -> None:
        """Prepare to answer.

        Args:
            facts: of the flow run.
            history: who wrote what.
            merged: the paths of the tasks that share a W&B run with others.
            file_need: as above.
        """
        self._history = history
        self._merged = frozenset(merged)
        self._file_need = file_need
        self._tasks = {task.path: task for task in facts.tasks}
        self._facts = facts
        self._logged_by: dict[tuple[str, str], frozenset[str]] = {}
        self._picked: dict[tuple[str, str], tuple[Need, frozenset[str]]] = {}
        self._candidates: frozenset[tuple[str, str]] | None = None

    def logged_by(self, task: TaskFacts, name: str) -> frozenset[str]:
        """Return the tasks in whose W&B runs what a task has is logged; several, if equal."""
        waiting = [task]
        while waiting:
            current = waiting[-1]
            key = current.path, name
            if key in self._logged_by:
                waiting.pop()
                continue
            givers = self._givers(current, name)
            unknown = [giver for giver in givers if (giver.path, name) not in self._logged_by]
            unvisited = [giver for giver in unknown if giver not in waiting]
            if unvisited:
                waiting += unvisited
                continue
            self._logged_by[key] = self._of_givers(current, name, givers)
        return self._logged_by[task.path, name]

    def picked(self, task: TaskFacts, name: str) -> tuple[Need, frozenset[str]] | None:
        """Return whether a task's W&B run logs what the task picked, and where the others are.

        None: it picked nothing under that name.
        """
        self.logged_by(task, name)
        return self._picked.get((task.path, name))

    def is_candidate(self, task: TaskFacts, name: str) -> bool:
        """Return whether a later step picked among what the tasks of this step have."""
        if self._candidates is None:
            self._candidates = self._find_candidates()
        return (task.step, name) in self._candidates and task.path in self.logged_by(task, name)

    def _givers(self, task: TaskFacts, name: str) -> Sequence[TaskFacts]:
        """Return the parents from which a task has an artifact; none if it wrote it itself."""
        if self._history.is_new(task, name):
            return ()
        return [
            parent
            for parent in self._history.parents[task.path]
            if name in parent.held and self._history.is_same(task.held[name], parent.held[name])
        ]

    def _of_givers(self, task: TaskFacts, name: str, givers: Sequence[TaskFacts]) -> frozenset[str]:
        if not givers:
            return frozenset({task.path})
        by_giver: Mapping[str, frozenset[str]] = {
            giver.path: self._logged_by.get((giver.path, name), frozenset()) for giver in givers
        }
        loggers = frozenset().union(*by_giver.values())
        inner = frozenset(
            logger
            for giver in givers
            if _is_inside(giver, task)
            for logger in by_giver[giver.path]
            if _is_inside(self._tasks[logger], task)
        )
        need = self._file_need(task, name) if inner & self._merged else None
        if need is None:
            return loggers
        is_certain = need is Need.REQUIRED and inner == loggers
        self._picked[task.path, name] = (Need.REQUIRED if is_certain else Need.ALLOWED, inner)
        return frozenset({task.path}) if is_certain else loggers | {task.path}

    def _find_candidates(self) -> frozenset[tuple[str, str]]:
        """Return steps and names of artifacts among which a later step picked."""
        candidates: set[tuple[str, str]] = set()
        for task in self._facts.tasks:
            for name in task.held:
                givers = [giver for giver in self._givers(task, name) if _is_inside(giver, task)]
                loggers = {logger for giver in givers for logger in self.logged_by(giver, name)}
                if not any(_is_inside(self._tasks[logger], task) for logger in loggers):
                    continue
                if loggers & self._merged and self.picked(task, name) is None:
                    continue
                candidates.update(
                    (self._tasks[logger].step, name)
                    for parent in self._history.parents[task.path]
                    if name in parent.held and _is_inside(parent, task)
                    for logger in self.logged_by(parent, name)
                    if _is_inside(self._tasks[logger], task)
                )
        return frozenset(candidates)


def _is_inside(task: TaskFacts, other: TaskFacts) -> bool:
    """Return whether a task is in a foreach or recursion in which another one is not."""
    return _depth(task) > _depth(other)


def _depth(task: TaskFacts) -> int:
    return len(task.indexes) + len(task.rounds)
