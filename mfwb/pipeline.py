"""The story: read a flow run, rebuild its lineage, draft the plan, carry it out, remember it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from mfwb.accounting import as_planned, count_items, describe_inputs
from mfwb.config import Settings
from mfwb.errors import SkipFlowRun
from mfwb.lineage import rebuild_lineage
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.planning import Plan, PlannedRun, draft_plan
from mfwb.ports import (
    Contents,
    Destination,
    Ledger,
    Payloads,
    Progress,
    ReadyRun,
    Session,
    Sink,
    Source,
    WrittenRun,
)
from mfwb.snapshot import FlowRunState
from mfwb.snapshot.pathspec import Pathspec

__all__ = ["Parts", "choose", "plan_flow_runs", "sync_flow_runs"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What `mfwb.wiring` joined."""

    source: Source
    payloads: Payloads
    sink: Sink
    ledger: Ledger
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Draft:
    plan: Plan
    destination: Destination
    contents: Contents


def choose(choices: Sequence[Pathspec], last: int | None, source: Source) -> list[Pathspec]:
    """Return the flow runs that are meant, each once, in the order they were asked for.

    A choice that names no existing flow run stays in the list, so that it fails by itself.
    """
    found: dict[Pathspec, None] = {}
    for choice in choices:
        try:
            found.update(dict.fromkeys(source.find(choice, last)))
        except SkipFlowRun:  # noqa: PERF203 - each choice stands for itself
            found[choice] = None
    return list(found)


def plan_flow_runs(choices: Iterable[Pathspec], settings: Settings, parts: Parts) -> Result:
    """Return what `sync_flow_runs` would do, as far as can be told without asking W&B."""

    def plan(choice: Pathspec) -> FlowRunOutcome:
        draft = _draft(choice, settings, parts, ask=False)
        if isinstance(draft, FlowRunOutcome):
            return draft
        runs = tuple(as_planned(run) for run in draft.plan.runs)
        done = None if settings.force else parts.ledger.outcome(draft.destination, draft.plan)
        status = Status.PLANNED if done is None else Status.UNCHANGED
        return _outcome(status, draft, runs)

    return Result("plan", tuple(_each(choices, plan, parts.progress)))


def sync_flow_runs(choices: Iterable[Pathspec], settings: Settings, parts: Parts) -> Result:
    """Replay flow runs into W&B; those the ledger knows as done are left alone."""

    def sync(choice: Pathspec) -> FlowRunOutcome:
        draft = _draft(choice, settings, parts, ask=True)
        if isinstance(draft, FlowRunOutcome):
            return draft
        done = None if settings.force else parts.ledger.outcome(draft.destination, draft.plan)
        if done is not None:
            return replace(done, status=Status.UNCHANGED)
        parts.ledger.forget(draft.destination, draft.plan)
        runs = _carry_out(draft, settings, parts)
        outcome = _outcome(Status.SYNCED, draft, runs)
        if all(run.complete for run in runs):
            parts.ledger.record(draft.destination, draft.plan, outcome)
        return outcome

    return Result("sync", tuple(_each(choices, sync, parts.progress)))


def _each(
    choices: Iterable[Pathspec], act: Callable[[Pathspec], FlowRunOutcome], progress: Progress
) -> Iterable[FlowRunOutcome]:
    """Do the same with each flow run; one that can't be done does not stop the others."""
    choices = list(choices)
    for position, choice in enumerate(choices):
        progress.flow_run(str(choice), position, len(choices))
        try:
            yield act(choice)
        except SkipFlowRun as error:
            yield FlowRunOutcome(str(choice), Status.FAILED, reason=str(error))


def _draft(
    choice: Pathspec, settings: Settings, parts: Parts, *, ask: bool
) -> _Draft | FlowRunOutcome:
    flow_run = parts.source.read(choice)
    if flow_run.state is FlowRunState.RUNNING:
        return FlowRunOutcome(flow_run.pathspec, Status.SKIPPED, reason="it is still running")
    contents = parts.source.contents(flow_run)
    flow_run = parts.payloads.look_inside(flow_run, contents)
    destination = parts.sink.destination(flow_run.flow, ask=ask)
    plan = draft_plan(
        flow_run,
        rebuild_lineage(flow_run),
        settings,
        entity=destination.entity,
        project=destination.project,
    )
    return _Draft(plan, destination, contents)


def _carry_out(draft: _Draft, settings: Settings, parts: Parts) -> tuple[WandbRunOutcome, ...]:
    """Write all W&B runs, level by level, so that what is used has been logged before."""
    parts.progress.wandb_runs(len(draft.plan.runs))
    outcomes: list[WandbRunOutcome] = []
    digests: dict[tuple[str, str], str | None] = {}
    with parts.sink.open(draft.plan) as session, ThreadPoolExecutor(settings.workers) as pool:

        def write(run: PlannedRun) -> WandbRunOutcome:
            written, ready = _write(run, session, draft.contents, parts, force=settings.force)
            parts.progress.advance()
            return _written(run, written, ready, digests)

        for level in draft.plan.levels():
            of_level = list(pool.map(write, level))
            for one in of_level:
                digests.update({(one.id, output.name): output.digest for output in one.outputs})
            outcomes += of_level
    return tuple(outcomes)


def _write(
    run: PlannedRun, session: Session, contents: Contents, parts: Parts, *, force: bool
) -> tuple[WrittenRun, ReadyRun | None]:
    found = None if force else session.find(run)
    if found is not None:
        return found, None
    ready = parts.payloads.prepare(run, contents)
    return session.write(run, ready), ready


def _written(
    run: PlannedRun,
    written: WrittenRun,
    ready: ReadyRun | None,
    digests: dict[tuple[str, str], str | None],
) -> WandbRunOutcome:
    planned = as_planned(run)
    losses = (*run.losses, *(ready.losses if ready else ()), *written.losses)
    is_url = "://" in written.place
    return replace(
        planned,
        url=written.place if is_url else None,
        dir=None if is_url else written.place,
        inputs=describe_inputs(run, digests),
        outputs=written.outputs,
        summary_keys=tuple(sorted(ready.summary)) if ready else planned.summary_keys,
        items=count_items(run, losses, written.outputs),
        losses=losses,
        complete=written.complete,
    )


def _outcome(status: Status, draft: _Draft, runs: tuple[WandbRunOutcome, ...]) -> FlowRunOutcome:
    return FlowRunOutcome(
        pathspec=draft.plan.flow_run,
        status=status,
        group=draft.plan.group,
        project=draft.plan.project,
        entity=draft.plan.entity,
        mode=draft.destination.mode,
        wandb_runs=runs,
        losses=draft.plan.losses,
    )
