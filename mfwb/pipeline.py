"""The story: read a flow run, rebuild its lineage, draft the plan, carry it out, remember it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from threading import Condition

from mfwb.accounting import as_planned, count_items, describe_inputs
from mfwb.config import Settings
from mfwb.errors import SkipFlowRun
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.planning import OtherFlowRun, Plan, PlannedRun, WandbRunId, draft_plan
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
from mfwb.tracing import TracedFlowRun, trace

__all__ = ["Parts", "choose", "plan_flow_runs", "sync_flow_runs"]

_OFFLINE_WORKERS = 2  # nothing is waited for, so that more of them only get in each other's way


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
        done = _done(draft, settings, parts)
        status = Status.PLANNED if done is None else Status.UNCHANGED
        return _outcome(status, draft, runs)

    return Result("plan", tuple(_each(choices, plan, parts.progress)))


def sync_flow_runs(choices: Iterable[Pathspec], settings: Settings, parts: Parts) -> Result:
    """Replay flow runs into W&B; those the ledger knows as done are left alone."""

    def sync(choice: Pathspec) -> FlowRunOutcome:
        draft = _draft(choice, settings, parts, ask=True)
        if isinstance(draft, FlowRunOutcome):
            return draft
        done = _done(draft, settings, parts)
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
    traced = trace(choice, parts.source, parts.payloads)
    flow_run = traced.flow_run
    if flow_run.state is FlowRunState.RUNNING:
        return FlowRunOutcome(flow_run.pathspec, Status.SKIPPED, reason="it is still running")
    destination = parts.sink.destination(flow_run.flow, ask=ask)
    plan = draft_plan(
        flow_run,
        traced.lineage,
        settings,
        entity=destination.entity,
        project=destination.project,
        others=[_elsewhere(other, parts.sink, ask=ask) for other in traced.others],
    )
    return _Draft(plan, destination, parts.source.contents(flow_run))


def _elsewhere(other: TracedFlowRun, sink: Sink, *, ask: bool) -> OtherFlowRun:
    destination = sink.destination(other.flow_run.flow, ask=ask)
    return OtherFlowRun(other.flow_run, other.lineage, destination.entity, destination.project)


def _done(draft: _Draft, settings: Settings, parts: Parts) -> FlowRunOutcome | None:
    """Return what the ledger says of this very plan, unless all is to be written again."""
    return None if settings.force else parts.ledger.outcome(draft.destination, draft.plan)


def _carry_out(draft: _Draft, settings: Settings, parts: Parts) -> tuple[WandbRunOutcome, ...]:
    """Write all W&B runs, level by level, so that what is used has been logged before.

    While a level is written, the first runs of the next one are made ready: as many as there are
    workers, so that memory stays bounded.
    """
    parts.progress.wandb_runs(len(draft.plan.runs))
    parts.payloads.expect(draft.plan)
    outcomes: list[WandbRunOutcome] = []
    levels = list(draft.plan.levels())
    online = draft.destination.mode == "online"
    workers = settings.workers if online else min(settings.workers, _OFFLINE_WORKERS)
    with parts.sink.open(draft.plan) as session, ThreadPoolExecutor(workers) as pool:
        work = _Work(draft, session, parts, force=settings.force)
        try:
            for level, following in zip_longest(levels, levels[1:], fillvalue=()):
                writing = [pool.submit(work.write, run) for run in level]
                for run in following[:workers]:
                    work.ahead[run.id] = pool.submit(work.get_ready, run)
                outcomes += work.note([future.result() for future in writing])
        except SkipFlowRun:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:  # the end of it all, as Ctrl-C: nobody wants to wait for payloads
            pool.shutdown(wait=False, cancel_futures=True)
            try:
                work.writing.end()
            finally:
                parts.payloads.close()
            raise
    order = {str(run.id): place for place, run in enumerate(draft.plan.runs)}
    return tuple(sorted(outcomes, key=lambda outcome: order[outcome.id]))


class _Writing:
    """Lets W&B runs be written, until that has to end."""

    def __init__(self) -> None:
        self._less = Condition()
        self._under_way = 0
        self._ended = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Write one W&B run meanwhile; CancelledError if none may be written any more."""
        with self._less:
            if self._ended:
                raise CancelledError
            self._under_way += 1
        try:
            yield
        finally:
            with self._less:
                self._under_way -= 1
                self._less.notify_all()

    def end(self) -> None:
        """Let no other W&B run be written, and those be finished that have been begun.

        Without their payloads, which are closed next, they would look complete and not be.
        """
        with self._less:
            self._ended = True
            self._less.wait_for(lambda: not self._under_way)


@dataclass(slots=True)
class _Work:
    """The W&B runs of one flow run, on their way."""

    draft: _Draft
    session: Session
    parts: Parts
    force: bool
    writing: _Writing = field(default_factory=_Writing)
    ahead: dict[WandbRunId, Future[WrittenRun | ReadyRun]] = field(default_factory=dict)
    digests: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def get_ready(self, run: PlannedRun) -> WrittenRun | ReadyRun:
        """Return what is there of a W&B run if all of it is, else what is needed to write it."""
        found = None if self.force else self.session.find(run)
        return found or self.parts.payloads.prepare(run, self.draft.contents)

    def note(self, outcomes: list[WandbRunOutcome]) -> list[WandbRunOutcome]:
        """Keep the digests of what a level made, for those that use it; return the outcomes."""
        for one in outcomes:
            self.digests.update({(one.id, made.name): made.digest for made in one.outputs})
        return outcomes

    def write(self, run: PlannedRun) -> WandbRunOutcome:
        """Write one W&B run, unless it is there."""
        ahead = self.ahead.pop(run.id, None)
        ready = self.get_ready(run) if ahead is None else ahead.result()
        if isinstance(ready, WrittenRun):
            outcome = _written(run, ready, None, self.digests)
        else:
            with self.writing.one():
                written = self.session.write(run, ready)
            outcome = _written(run, written, ready, self.digests)
        self.parts.payloads.release(run)
        self.parts.progress.advance()
        return outcome


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
