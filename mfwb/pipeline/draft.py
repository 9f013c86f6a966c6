"""A flow run, read, with its lineage and the plan of what W&B is to get of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.config import Settings
from mfwb.outcome import FlowRunOutcome, Status, WandbRunOutcome
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.reading import TracedFlowRun, trace
from mfwb.pipeline.selection import SelectedFlowRun, Selection
from mfwb.planning import OtherFlowRun, Plan, draft_plan
from mfwb.ports import Contents, Destination, Sink
from mfwb.snapshot import FlowRun, FlowRunState
from mfwb.snapshot.pathspec import flow_run_of

__all__ = ["STILL_RUNNING", "Draft", "draft", "make_outcome", "notes_on", "still_running_outcome"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be done about one flow run.

    Attributes:
        flow_run: the facts; a flow run that is still going has no plan.
        plan: what is to be written; None: nothing yet.
        destination: where to.
        contents: the bytes.
        others: the flow runs that come first: it uses their artifacts, or was resumed from them.
    """

    flow_run: FlowRun
    plan: Plan | None
    destination: Destination
    contents: Contents
    others: frozenset[str] = frozenset()


def draft(chosen: SelectedFlowRun, settings: Settings, parts: Parts) -> Draft:
    """Read a flow run and draft its plan; SkipFlowRun or Stop if that can't be done.

    Args:
        chosen: which flow run.
        settings: of this call.
        parts: the outside.
    """
    if chosen.error is not None:
        raise chosen.error
    traced = trace(chosen.pathspec, parts.source, parts.payloads)
    flow_run = traced.flow_run
    destination = parts.sink.destination(flow_run.flow)
    contents = parts.source.contents(flow_run)
    if flow_run.state is FlowRunState.RUNNING:
        return Draft(flow_run, None, destination, contents)
    plan = draft_plan(
        flow_run,
        traced.lineage,
        settings,
        entity=destination.entity,
        project=destination.project,
        others=[_elsewhere(other, parts.sink) for other in traced.others],
    )
    others = {other.flow_run.pathspec for other in traced.others}
    return Draft(flow_run, plan, destination, contents, frozenset(others | _origins(flow_run)))


def _origins(flow_run: FlowRun) -> set[str]:
    """Return the flow runs whose tasks were cloned: W&B names who logs a content first."""
    return {flow_run_of(task.origin) for task in flow_run.tasks if task.origin}


def _elsewhere(other: TracedFlowRun, sink: Sink) -> OtherFlowRun:
    destination = sink.destination(other.flow_run.flow)
    return OtherFlowRun(other.flow_run, other.lineage, destination.entity, destination.project)


def make_outcome(
    status: Status,
    plan: Plan,
    destination: Destination,
    runs: tuple[WandbRunOutcome, ...],
    reason: str | None = None,
) -> FlowRunOutcome:
    """Return what became of a plan."""
    return FlowRunOutcome(
        pathspec=plan.flow_run,
        status=status,
        reason=reason,
        group=plan.group,
        project=plan.project,
        entity=plan.entity,
        mode=destination.mode,
        wandb_runs=runs,
        losses=plan.losses,
    )


STILL_RUNNING = "it is still running"
"""Why a flow run is left for another time."""


def still_running_outcome(drafted: Draft) -> FlowRunOutcome:
    """Return the outcome of a flow run that is left for another time."""
    return FlowRunOutcome(drafted.flow_run.pathspec, Status.SKIPPED, reason=STILL_RUNNING)


def notes_on(selection: Selection, outcomes: Iterable[FlowRunOutcome]) -> tuple[str, ...]:
    """Return what to know about flow runs that were named and are still running.

    Who names one may know that its process is gone, as a job does that ran it; Metaflow may not.
    """
    named = {str(one) for one in selection.pathspecs}
    running = [one.pathspec for one in outcomes if one.reason == STILL_RUNNING]
    return tuple(
        f"nothing says that {pathspec} is over; if its process is gone, say --abandoned-after 0s"
        for pathspec in running
        if pathspec in named
    )
