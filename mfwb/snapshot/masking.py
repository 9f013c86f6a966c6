"""Flow runs without secrets: facts are masked before anything is decided or written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mfwb.redaction import Masked, Masker
from mfwb.snapshot.facts import (
    ArtifactRef,
    Attempt,
    Failure,
    FlowRun,
    ForeachFrame,
    Loss,
    Parameter,
    Step,
    Task,
)
from mfwb.snapshot.pathspec import parameters_of

__all__ = [
    "attempt_item",
    "parameter_item",
    "system_tags_item",
    "tags_item",
    "with_masked_facts",
]


def tags_item(flow_run: FlowRun) -> str:
    """Return the name of the tags of users, in which secrets were masked."""
    return f"tags of {flow_run.pathspec}"


def system_tags_item(flow_run: FlowRun) -> str:
    """Return the name of the tags of Metaflow, in which secrets were masked."""
    return f"system tags of {flow_run.pathspec}"


def parameter_item(flow_run: FlowRun, name: str) -> str:
    """Return the name of a parameter, config or constant in which secrets were masked."""
    return f"{parameters_of(flow_run.pathspec)}/{name}"


def attempt_item(task: Task, attempt: Attempt) -> str:
    """Return the name of the exception of an attempt, in which secrets were masked."""
    return f"exception of attempt {attempt.number} of {task.pathspec}"


def with_masked_facts(flow_run: FlowRun, masker: Masker) -> FlowRun:
    """Return the flow run with marks in place of the secrets in its facts, and a list of these.

    Ids, names of steps and artifacts, and all that bytes are found by stay as they are.
    """
    if not masker.enabled:
        return flow_run
    facts = _Facts(flow_run, masker)
    return replace(
        flow_run,
        tags=facts.texts(flow_run.tags, tags_item(flow_run)),
        system_tags=facts.texts(flow_run.system_tags, system_tags_item(flow_run)),
        parameters=tuple(map(facts.parameter, flow_run.parameters)),
        doc=facts.text(flow_run.doc, f"docstring of {flow_run.pathspec}"),
        steps=tuple(map(facts.step, flow_run.steps)),
        losses=tuple(map(facts.loss, flow_run.losses)),
        masked=tuple(facts.list_masked()),
    )


class _Facts:
    """Masks facts of one flow run, and notes where."""

    def __init__(self, flow_run: FlowRun, masker: Masker) -> None:
        self._flow_run = flow_run
        self._masker = masker
        self._marks: Counter[str] = Counter()

    def list_masked(self) -> Iterator[Masked]:
        """Yield the items in which something was masked."""
        for item, marks in sorted(self._marks.items()):
            yield Masked(item, marks)

    def text(self, text: str, item: str) -> str:
        """Return a text without its secrets."""
        masked = self._masker.mask_text(text)
        if masked != text:
            self._marks[item] += 1
        return masked

    def texts(self, texts: Iterable[str], item: str) -> tuple[str, ...]:
        """Return texts without their secrets."""
        return tuple(sorted(self.text(text, item) for text in texts))

    def parameter(self, parameter: Parameter) -> Parameter:
        """Return a parameter without its secrets; an IncludeFile is a file, and only described."""
        if parameter.kind == "IncludeFile":
            return parameter
        value, marks = self._masker.mask_value(parameter.name, parameter.value)
        if marks and not parameter.no_value:
            self._marks[parameter_item(self._flow_run, parameter.name)] += marks
            return replace(parameter, value=value)
        return replace(parameter, no_value=self._masker.mask_text(parameter.no_value))

    def step(self, step: Step) -> Step:
        """Return a step without secrets in its facts."""
        item = f"docstring of {self._flow_run.pathspec}/{step.name}"
        return replace(
            step, doc=self.text(step.doc, item), tasks=tuple(map(self._task, step.tasks))
        )

    def loss(self, loss: Loss) -> Loss:
        """Return a loss without secrets in its reason."""
        return Loss(loss.item, self._masker.mask_text(loss.reason))

    def _task(self, task: Task) -> Task:
        attempts = tuple(
            replace(attempt, failure=self._failure(attempt.failure, attempt_item(task, attempt)))
            for attempt in task.attempts
        )
        item = attempt_item(task, task.attempts[-1]) if task.attempts else task.pathspec
        metadata = {
            name: self.text(text, f"metadata {name} of {task.pathspec}")
            for name, text in task.metadata.items()
        }
        failure = self._failure(task.failure, item)
        foreach = tuple(self._frame(frame, task) for frame in task.foreach)
        return replace(
            task,
            attempts=attempts,
            failure=failure,
            metadata=metadata,
            foreach=foreach,
            artifacts=tuple(self._artifact(ref, task) for ref in task.artifacts),
        )

    def _artifact(self, ref: ArtifactRef, task: Task) -> ArtifactRef:
        """Return an artifact; what a user noted of a checkpoint is without secrets."""
        if ref.reference is None:
            return ref
        noted, marks = self._masker.mask_value(ref.name, ref.reference.metadata)
        if not marks:
            return ref
        self._marks[f"{task.pathspec}/{ref.name}"] += marks
        return replace(ref, reference=replace(ref.reference, metadata=noted))

    def _frame(self, frame: ForeachFrame, task: Task) -> ForeachFrame:
        if not frame.has_item:
            return frame
        item, marks = self._masker.mask_value(frame.var, frame.item)
        if marks:
            self._marks[f"foreach item of {task.pathspec}"] += marks
        return replace(frame, item=item)

    def _failure(self, failure: Failure | None, item: str) -> Failure | None:
        if failure is None:
            return None
        trace = failure.stacktrace
        return replace(
            failure,
            type=self.text(failure.type, item),
            message=self.text(failure.message, item),
            stacktrace=None if trace is None else self.text(trace, item),
        )
