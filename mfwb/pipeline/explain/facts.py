"""Facts of an artifact: its copy in each task, the task that wrote it, and its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mfwb.config import Settings
from mfwb.lineage.producers import HeldArtifact, trace_holdings
from mfwb.pipeline.explain.lookup import ArtifactMatch
from mfwb.pipeline.explain.model import TaskArtifact
from mfwb.pipeline.explain.switches import describe_switch
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.planning.classify import Kind
from mfwb.planning.classify_reasons import explain_classification
from mfwb.planning.picked import trace_logged_by
from mfwb.planning.run_scopes import build_run_scopes
from mfwb.snapshot import ArtifactRef, Task
from mfwb.snapshot.pathspec import flow_of, is_parameters, parameters_of, step_of

__all__ = ["facts_of"]


def facts_of(
    match: ArtifactMatch, traced: TracedFlowRun, settings: Settings
) -> Iterator[TaskArtifact]:
    """Yield the artifact of each task that has it.

    A parameter is not an artifact, except an included file: the first step logs its content.
    """
    flow_run = traced.flow_run
    if match.parameter is None:
        tasks = {task.pathspec: task for task in flow_run.tasks}
        order = [tasks[pathspec] for pathspec in traced.lineage.order]
        holdings = trace_holdings(order, traced.lineage.parents)
        scopes = build_run_scopes(flow_run, settings)
        logged_by = trace_logged_by(scopes, flow_run, traced.lineage)
        for task, ref in match.holders:
            held = holdings[task.pathspec][ref.name]
            equal = traced.lineage.equal_values(task.pathspec)
            own = HeldArtifact(task.pathspec, ref)
            is_shown = ref.name in equal.names and _is_value(own, settings)
            shown = own if is_shown else held
            fact = _fact(task.pathspec, ref, shown, _attempt(task), settings)
            is_handed_on = is_shown and ref.name not in equal.assigned
            if not is_shown:
                fact = replace(fact, shown_in=logged_by.task_of(task.pathspec, ref.name))
            yield replace(fact, producer=held.producer) if is_handed_on else fact
    elif match.parameter.kind == "IncludeFile":
        ref = match.parameter.ref
        held = HeldArtifact(f"{flow_run.pathspec}/{flow_run.start_step}", ref)
        yield _fact(parameters_of(flow_run.pathspec), ref, held, None, settings)


def _fact(
    task: str, ref: ArtifactRef, held: HeldArtifact, attempt: int | None, settings: Settings
) -> TaskArtifact:
    flow, step = flow_of(held.producer), step_of(held.producer)
    step_settings = settings.for_step(flow, step)
    reason = explain_classification(held.ref, step_settings)
    kind, off = reason.classification.kind, ""
    if kind is not Kind.VALUE and not getattr(step_settings, kind.switch):
        off = describe_switch(settings, flow, step, kind.switch)
    producer = task if is_parameters(task) else held.producer
    return TaskArtifact(task, ref, attempt, producer, producer, reason, off)


def _is_value(held: HeldArtifact, settings: Settings) -> bool:
    """Return whether it is a value: a value shows in each task that assigned it, a file once."""
    step_settings = settings.for_step(flow_of(held.producer), step_of(held.producer))
    return explain_classification(held.ref, step_settings).classification.kind is Kind.VALUE


def _attempt(task: Task) -> int | None:
    return task.attempts[-1].number if task.attempts else None
