"""Replaying flow runs into W&B: several at once, each remembered when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from threading import BoundedSemaphore, Event

from mfwb.config import Settings
from mfwb.errors import NotFound, ends_the_call
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.pipeline.draft import STILL_RUNNING, Draft, draft, notes_on, outcome_of, still_running
from mfwb.pipeline.executor import Crew
from mfwb.pipeline.failures import failed
from mfwb.pipeline.log_order import Turn, Turns
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.selection import Chosen, Selection, choose
from mfwb.pipeline.sync_history import Memory, is_done
from mfwb.planning import Plan, choose_group
from mfwb.ports import Destination, Entry, Standing

__all__ = ["sync_flow_runs"]

_OFFLINE_WORKERS = 2  # nothing is waited for, so that more of them only get in each other's way
_FLOW_RUNS_AT_ONCE = 8
_LOOKED_AHEAD = 200  # flow runs whose W&B runs are asked for at once
_FEW = 3  # flow runs for which that is not worth it


def sync_flow_runs(selection: Selection, settings: Settings, parts: Parts) -> Result:
    """Replay flow runs into W&B; those that are there are left alone.

    A flow run that can't be synced is in the result, with a reason; the others go on.
    """
    memory = Memory(selection, settings, parts)
    chosen = choose(selection, parts.source, memory.open_ones)
    destinations = {memory.destination(one.pathspec.flow) for one in chosen}
    with parts.ledger.lock(destinations, wait=settings.wait):
        memory.refresh()
        chosen = memory.without_left_out(chosen)
        with _at_work(settings, parts, memory) as work:
            outcomes = tuple(work.sync(chosen))
            return Result("sync", outcomes, notes=notes_on(selection, outcomes))


@contextmanager
def _at_work(settings: Settings, parts: Parts, memory: Memory) -> Iterator[_Sync]:
    """Yield a sync with workers; if it breaks off, nobody waits for more than has been begun."""
    online = parts.sink.bundle is None
    workers = settings.workers if online else min(settings.workers, _OFFLINE_WORKERS)
    at_once = min(workers, _FLOW_RUNS_AT_ONCE) if online else 1
    crew = Crew(parts, workers, force=settings.force)
    foremen = ThreadPoolExecutor(at_once, thread_name_prefix="mfwb-flow-run")
    work = _Sync(settings, parts, memory, crew=crew, foremen=foremen, at_once=at_once)
    try:
        yield work
    except BaseException:  # the end of it all, as Ctrl-C: nobody wants to wait for payloads
        work.ended.set()
        foremen.shutdown(wait=False, cancel_futures=True)
        try:
            crew.end(settings.timeout)
        finally:
            parts.payloads.close()
        raise
    foremen.shutdown()
    crew.close()


class _Sync:
    """One call: reads flow runs one after the other, and writes several at once."""

    def __init__(  # noqa: PLR0913 - they are what it works with
        self,
        settings: Settings,
        parts: Parts,
        memory: Memory,
        *,
        crew: Crew,
        foremen: ThreadPoolExecutor,
        at_once: int,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._memory = memory
        self._crew = crew
        self._foremen = foremen
        self._room = BoundedSemaphore(at_once)  # plans take memory: few are made ahead
        self._under_way: dict[str, Future[FlowRunOutcome]] = {}
        self._turns = Turns()
        self.ended = Event()  # set when the call breaks off: what fails then says nothing

    def sync(self, chosen: Sequence[Chosen]) -> Iterator[FlowRunOutcome]:
        """Return what became of each flow run, in their order."""
        results: list[FlowRunOutcome | Future[FlowRunOutcome]] = []
        for position, one in enumerate(self._looked_ahead(chosen)):
            try:
                outcome = self._memory.recall(one)
                if outcome is None:
                    self._parts.progress.flow_run(str(one.pathspec), position, len(chosen))
                    results.append(self._begin(one))
                else:
                    results.append(outcome)
            except BaseException as error:  # noqa: BLE001, PERF203 - each for itself; see `failed`
                results.append(self._unread(one, error))
        return (one.result() if isinstance(one, Future) else one for one in results)

    def _looked_ahead(self, chosen: Iterable[Chosen]) -> Iterator[Chosen]:
        """Yield flow runs, after W&B was asked in bulk for those that the ledger does not know."""
        rest = iter(chosen)
        while chunk := list(islice(rest, _LOOKED_AHEAD)):
            groups: dict[Destination, list[str]] = {}
            for one in chunk:
                if one.listed is not None and one.trouble is None and self._memory.is_new(one):
                    flow = one.pathspec.flow
                    group = choose_group(flow, str(one.pathspec), self._settings)
                    groups.setdefault(self._memory.destination(flow), []).append(group)
            for destination, of_it in groups.items():
                if len(of_it) > _FEW and not self._settings.force:
                    self._look_ahead(destination, list(dict.fromkeys(of_it)))
            yield from chunk

    def _look_ahead(self, destination: Destination, groups: Sequence[str]) -> None:
        """Ask in bulk; if that can't be had, each flow run asks for itself, and fails alone."""
        try:
            self._parts.sink.look_ahead(destination, groups)
        except Exception as error:
            if ends_the_call(error):
                raise

    def _unread(self, one: Chosen, error: BaseException) -> FlowRunOutcome:
        """Return the outcome of a flow run that could not be read, or be told of, and note it."""
        outcome = failed(str(one.pathspec), error, self._parts.bugs)
        is_gone = isinstance(error, NotFound)
        return self._noted(
            outcome,
            lambda: self._memory.note_failure(one, outcome.reason or "", is_gone=is_gone),
        )

    def _noted(self, outcome: FlowRunOutcome, note: Callable[[], None]) -> FlowRunOutcome:
        """Return the outcome of a flow run that failed, after the ledger was told, if it can be."""
        try:
            note()
        except BaseException as error:  # noqa: BLE001 - what went wrong first is what counts
            failed(outcome.pathspec, error, self._parts.bugs)
        return outcome

    def _begin(self, one: Chosen) -> FlowRunOutcome | Future[FlowRunOutcome]:
        """Read a flow run; if there is something to write, let that begin."""
        drafted = draft(one, self._settings, self._parts)
        if drafted.plan is None:
            self._memory.note(drafted, Standing.RUNNING, reason=STILL_RUNNING)
            return still_running(drafted)
        if reason := self._memory.left_out(drafted):
            self._memory.note(drafted, Standing.LEFT_OUT, reason=reason)
            return FlowRunOutcome(str(one.pathspec), Status.SKIPPED, reason=reason)
        before = self._memory.before(drafted)
        if before is not None and self._is_unchanged(before, drafted.plan, one):
            self._memory.note(drafted, Standing.SYNCED, outcome=before.outcome)
            return _unchanged(before, drafted.plan, drafted.destination)
        self._room.acquire()
        # Only those that were begun before are waited for, so that no two wait for each other.
        first = [self._under_way[one] for one in sorted(drafted.others & self._under_way.keys())]
        turn = self._turns.announce(drafted.plan)
        future = self._foremen.submit(self._carry_out, drafted, drafted.plan, before, first, turn)
        future.add_done_callback(lambda _: self._room.release())
        self._under_way[str(one.pathspec)] = future
        return future

    def _is_unchanged(self, before: Entry, plan: Plan, one: Chosen) -> bool:
        """Whether the ledger's word is enough.

        A flow run that was asked for by name is looked up in W&B, where somebody may have deleted
        it; so is any if it is to be written again then.
        """
        if self._settings.force or not is_done(before, plan) or before.outcome is None:
            return False
        if self._parts.sink.bundle is not None:
            return True
        return one.listed is not None and self._settings.on_deleted == "skip"

    def _carry_out(
        self,
        drafted: Draft,
        plan: Plan,
        before: Entry | None,
        first: Sequence[Future[FlowRunOutcome]],
        turn: Turn,
    ) -> FlowRunOutcome:
        """Write a flow run, and remember it, or why it could not be written."""
        earlier = before.outcome if before else None
        try:
            for one in first:
                with suppress(BaseException):  # how it went is told by itself
                    one.exception()
            return self._written(drafted, plan, earlier, turn)
        except BaseException as error:
            if self.ended.is_set():  # the parts are being closed, which is what went wrong
                raise
            told = failed(plan.flow_run, error, self._parts.bugs)
        finally:
            turn.leave()
        reason = told.reason or ""
        outcome = outcome_of(told.status, plan, drafted.destination, (), reason)
        return self._noted(
            replace(outcome, bug=told.bug, exit_code=told.exit_code),
            lambda: self._memory.note(drafted, Standing.FAILED, reason=reason, outcome=earlier),
        )

    def _written(
        self, drafted: Draft, plan: Plan, earlier: FlowRunOutcome | None, turn: Turn
    ) -> FlowRunOutcome:
        self._memory.note(drafted, Standing.BEGUN, outcome=earlier)
        writer, was_there = self._parts.ledger.id, _written_once(earlier)
        with self._parts.sink.open(plan, writer=writer, written=was_there) as session:
            carried = self._crew.carry_out(drafted, plan, session, turn)
        outcome = outcome_of(Status.SYNCED, plan, drafted.destination, carried.runs)
        is_whole = all(run.complete for run in carried.runs)
        if reason := carried.trouble or ("" if is_whole else "W&B did not take all of it"):
            outcome = replace(outcome, status=Status.FAILED, reason=reason)
            self._memory.note(drafted, Standing.FAILED, reason=reason, outcome=outcome)
        else:
            self._memory.note(drafted, Standing.SYNCED, outcome=outcome)
            if not carried.wrote:
                return replace(outcome, status=Status.UNCHANGED)
        return outcome


def _unchanged(before: Entry, plan: Plan, destination: Destination) -> FlowRunOutcome:
    if before.outcome is None:
        return outcome_of(Status.UNCHANGED, plan, destination, ())
    return replace(before.outcome, status=Status.UNCHANGED)


def _written_once(outcome: FlowRunOutcome | None) -> set[str]:
    """Return the ids of W&B runs that were there once."""
    runs: Iterable[WandbRunOutcome] = outcome.wandb_runs if outcome else ()
    return {run.id for run in runs if run.url or run.deleted}
