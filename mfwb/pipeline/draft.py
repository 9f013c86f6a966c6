"""Draft: a flow run that was read, with its lineage and the plan of what to write to W&B."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.config import Settings
from mfwb.operations import noted
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
    """What to do with one flow run.

    Attributes:
        flow_run: its facts.
        plan: what to write; None: nothing yet, because the flow run is still running.
        destination: where to write it.
        contents: the bytes of its artifacts.
        others: the flow runs that must come first: this one uses their artifacts, or was resumed
            from them.
    """

    flow_run: FlowRun
    plan: Plan | None
    destination: Destination
    contents: Contents
    others: frozenset[str] = frozenset()


def draft(selected: SelectedFlowRun, settings: Settings, parts: Parts) -> Draft:
    """Read a flow run and return its draft; SkipFlowRun or Stop if that can't be done.

    Args:
        selected: the flow run.
        settings: the settings of this call.
        parts: source, sink and the other parts.
    """
    if selected.error is not None:
        raise selected.error
    traced = trace(selected.pathspec, parts.source, parts.payloads)
    flow_run = traced.flow_run
    destination = parts.sink.destination(flow_run.flow)
    contents = parts.source.contents(flow_run)
    if flow_run.state is FlowRunState.RUNNING:
        return Draft(flow_run, None, destination, contents)
    with noted(flow_run.pathspec, "plan"):
        plan = draft_plan(
            flow_run,
            traced.lineage,
            settings,
            entity=destination.entity,
            project=destination.project,
            others=[_other_flow_run(other, parts.sink) for other in traced.others],
            consoles=parts.source.consoles,
        )
    others = {other.flow_run.pathspec for other in traced.others}
    return Draft(flow_run, plan, destination, contents, frozenset(others | _origins(flow_run)))


def _origins(flow_run: FlowRun) -> set[str]:
    """Return the flow runs whose tasks were cloned: W&B names the first that logs a content."""
    return {flow_run_of(task.origin) for task in flow_run.tasks if task.origin}


def _other_flow_run(other: TracedFlowRun, sink: Sink) -> OtherFlowRun:
    destination = sink.destination(other.flow_run.flow)
    return OtherFlowRun(other.flow_run, other.lineage, destination.entity, destination.project)


def make_outcome(
    status: Status,
    plan: Plan,
    destination: Destination,
    runs: tuple[WandbRunOutcome, ...],
    reason: str | None = None,
) -> FlowRunOutcome:
    """Return the outcome of a plan."""
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
"""The reason for which a flow run is skipped until a later sync."""


def still_running_outcome(drafted: Draft) -> FlowRunOutcome:
    """Return the outcome of a flow run that is skipped because it is still running."""
    return FlowRunOutcome(drafted.flow_run.pathspec, Status.SKIPPED, reason=STILL_RUNNING)


def notes_on(selection: Selection, outcomes: Iterable[FlowRunOutcome]) -> tuple[str, ...]:
    """Return notes on flow runs whose names were given and that are still running.

    The user may know that the process has ended, as a job does that ran it; Metaflow may not.
    """
    named = {str(pathspec) for pathspec in selection.pathspecs}
    running = [outcome.pathspec for outcome in outcomes if outcome.reason == STILL_RUNNING]
    return tuple(
        f"it is not known whether {pathspec} has ended; if its process is gone, use "
        "--abandoned-after 0s"
        for pathspec in running
        if pathspec in named
    )
