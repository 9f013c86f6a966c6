"""Picked artifacts: exactly what a step passes on under a name where it received several.

A foreach step logs one W&B artifact with a file for each of its tasks. A join that passes on one
of them logs that one by itself, so that later steps use exactly that content, and `latest` is that
content. The same holds for the step after the rounds of a recursive step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mfwb.lineage import Lineage
from mfwb.planning.file_choice import choose_file
from mfwb.planning.run_scopes import RunScope
from mfwb.snapshot import ArtifactRef, FlowRun, Task

__all__ = ["HeldName", "LoggedBy", "trace_logged_by"]

HeldName = tuple[str, str]
"""The pathspec of a task, and the name of an artifact that it has."""


@dataclass(frozen=True, slots=True)
class LoggedBy:
    """The tasks in whose W&B runs the artifacts of all tasks are logged.

    Attributes:
        tasks: for what a task received and passes on, the task whose W&B run logs it: the one that
            wrote it, or the last one that picked it.
        picked: what a task picked and its W&B run logs by itself, with the task whose W&B run logs
            the candidates.
        too_large: why what a task picked is not logged once more.
        candidates: artifacts of tasks among which a later task picked.
    """

    tasks: Mapping[HeldName, str] = field(default_factory=dict)
    picked: Mapping[HeldName, str] = field(default_factory=dict)
    too_large: Mapping[HeldName, str] = field(default_factory=dict)
    candidates: frozenset[HeldName] = frozenset()

    def task_of(self, holder: str, name: str) -> str:
        """Return the task whose W&B run logs what a task has under a name."""
        return self.tasks.get((holder, name), holder)


def trace_logged_by(scopes: Sequence[RunScope], flow_run: FlowRun, lineage: Lineage) -> LoggedBy:
    """Return which W&B runs log what the tasks have."""
    trace = _Trace(scopes, flow_run, lineage)
    for pathspec in lineage.order:
        for name in lineage.producers.get(pathspec, ()):
            trace.add(pathspec, name)
    return LoggedBy(trace.logged_by, trace.picked, trace.too_large, trace.candidates())


class _Trace:
    """The tasks so far, in an order in which parents come before children."""

    def __init__(self, scopes: Sequence[RunScope], flow_run: FlowRun, lineage: Lineage) -> None:
        self._lineage = lineage
        self._scopes = {task.pathspec: scope for scope in scopes for task in scope.tasks}
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        self._refs = {
            task.pathspec: {ref.name: ref for ref in task.artifacts} for task in flow_run.tasks
        }
        self._candidate_steps: dict[HeldName, None] = {}  # step and name
        self.logged_by: dict[HeldName, str] = {}
        self.picked: dict[HeldName, str] = {}
        self.too_large: dict[HeldName, str] = {}

    def add(self, pathspec: str, name: str) -> None:
        """Add an artifact that a task received and passes on."""
        task, ref = self._tasks[pathspec], self._refs[pathspec][name]
        givers = [
            self._tasks[parent]
            for parent in self._lineage.parents[pathspec]
            if name in self._refs[parent]
        ]
        producer = self._lineage.producer_of(pathspec, name)
        giver = next(
            giver for giver in givers if self._lineage.producer_of(giver.pathspec, name) == producer
        )
        logged_by = self._task_of(giver, name)
        self.logged_by[pathspec, name] = logged_by.pathspec
        if _depth(giver) > _depth(task) < _depth(logged_by):
            self._add_picked(task, ref, logged_by, [g for g in givers if _depth(g) > _depth(task)])

    def candidates(self) -> frozenset[HeldName]:
        """Return the artifacts among which tasks picked."""
        return frozenset(
            (task.pathspec, name)
            for step, name in self._candidate_steps
            for task in self._tasks.values()
            if task.step == step
            and name in self._refs[task.pathspec]
            and self.logged_by.get((task.pathspec, name), task.pathspec) == task.pathspec
        )

    def _add_picked(
        self, task: Task, ref: ArtifactRef, logged_by: Task, givers: Sequence[Task]
    ) -> None:
        choice = choose_file(ref, task, self._scopes[task.pathspec].settings)
        key = task.pathspec, ref.name
        if self._scopes[logged_by.pathspec].merged:
            if choice.too_large:
                self.too_large[key] = choice.too_large
            if not choice.has_files:
                return
            self.picked[key] = logged_by.pathspec
            self.logged_by[key] = task.pathspec
        for giver in givers:
            candidate = self._task_of(giver, ref.name)
            if _depth(candidate) > _depth(task):
                self._candidate_steps[candidate.step, ref.name] = None

    def _task_of(self, holder: Task, name: str) -> Task:
        return self._tasks[self.logged_by.get((holder.pathspec, name), holder.pathspec)]


def _depth(task: Task) -> int:
    """Return in how many foreachs and recursions a task is."""
    return len(task.foreach) + len(task.rounds)
