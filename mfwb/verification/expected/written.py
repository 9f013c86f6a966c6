"""The artifacts that a task wrote, and the producers of those that it has: docs/mapping.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mfwb.verification.expected.ancestry import find_parents
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts, HeldArtifact, TaskFacts
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.step_code import StepCode

__all__ = ["History"]


class History:
    """The producers of all artifacts of a flow run."""

    def __init__(
        self, facts: FlowRunFacts, contents: Contents, code: Mapping[str, StepCode]
    ) -> None:
        self.parents = find_parents(facts)
        self._contents = contents
        self._code = code
        self._tasks = {task.path: task for task in facts.tasks}
        self._new: dict[tuple[str, str], bool] = {}
        self._same: dict[tuple[str, str], bool] = {}
        self._producers: dict[tuple[str, str], frozenset[str]] = {}

    def is_new(self, task: TaskFacts, name: str) -> bool:
        """Return whether a task has a value under a name that none of its parents had."""
        key = task.path, name
        if key not in self._new:
            own = task.held[name]
            self._new[key] = not any(
                self.is_same(own, parent.held[name])
                for parent in self.parents[task.path]
                if name in parent.held
            )
        return self._new[key]

    def producers(self, task: TaskFacts, name: str) -> frozenset[str]:
        """Return the tasks that wrote the value of a task: several, if each of them wrote it."""
        waiting = [(task, name)]
        while waiting:
            current, _ = waiting[-1]
            if (current.path, name) in self._producers:
                waiting.pop()
                continue
            if self.is_new(current, name):
                self._producers[current.path, name] = frozenset({current.path})
                continue
            givers = [
                parent
                for parent in self.parents[current.path]
                if name in parent.held and self.is_same(current.held[name], parent.held[name])
            ]
            unknown = [giver for giver in givers if (giver.path, name) not in self._producers]
            unvisited = [giver for giver in unknown if (giver, name) not in waiting]
            if unvisited:
                waiting += [(giver, name) for giver in unvisited]
                continue
            known = (self._producers.get((giver.path, name), frozenset()) for giver in givers)
            self._producers[current.path, name] = frozenset().union(*known)
        return self._producers[task.path, name]

    def alike(self, task: TaskFacts, name: str) -> frozenset[str]:
        """Return the parents that have the value of a task; none, if the task wrote it itself."""
        if self.is_new(task, name):
            return frozenset()
        return frozenset(
            parent.path
            for parent in self.parents[task.path]
            if name in parent.held and self.is_same(task.held[name], parent.held[name])
        )

    def values_written(self, tasks: Sequence[TaskFacts], name: str) -> dict[str, Need]:
        """Return the tasks of one step that count as having written a value, by their paths.

        Args:
            tasks: all tasks of the step, or those of one W&B run that have such a value.
            name: the name of the artifact.
        """
        own = [task for task in tasks if self.is_new(task, name) or self._chose(task, name)]
        own_paths = {task.path for task in own}
        equal = [
            task
            for task in tasks
            if task.path not in own_paths and task.outcome == "ok" and not task.is_control
        ]
        written = dict.fromkeys(own_paths, Need.REQUIRED)
        if not equal:
            return written
        code = self._code.get(tasks[0].step)
        need = _need_of_equal_values(name, code, others_changed=bool(own))
        if need is not None:
            written |= dict.fromkeys((task.path for task in equal), need)
        return written

    def _chose(self, task: TaskFacts, name: str) -> bool:
        """Return whether a join chose one of the different values of its inputs."""
        given = [parent.held[name] for parent in self.parents[task.path] if name in parent.held]
        return len(given) > 1 and any(not self.is_same(given[0], other) for other in given[1:])

    def is_same(self, artifact: HeldArtifact, other: HeldArtifact) -> bool:
        """Return whether two artifacts have the same content, even if pickled differently."""
        if artifact.sha1 == other.sha1:
            return True
        key = artifact.sha1, other.sha1
        if key not in self._same:
            self._same[key] = self._contents.is_same(artifact, other)
        return self._same[key]


def _need_of_equal_values(name: str, code: StepCode | None, *, others_changed: bool) -> Need | None:
    """Return whether values that equal what their tasks received count as written; None: no.

    Args:
        name: of the artifact.
        code: of the step; None if it is not known.
        others_changed: whether another task of the step has a value that it did not receive.
    """
    if code is not None and name in code.stores:
        return Need.REQUIRED
    if not others_changed:
        is_open = code is None or name in code.helper_stores or not code.is_certain
        return Need.ALLOWED if is_open else None
    is_settled = code is None or name in code.changes or not code.is_certain
    return Need.REQUIRED if is_settled else Need.ALLOWED
