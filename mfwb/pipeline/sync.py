"""Replay flow runs into W&B, several at once, and record each one in the ledger when it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from threading import Event
from time import monotonic
from typing import cast

from mfwb.account_balance import with_account
from mfwb.config import Settings
from mfwb.decisive_settings import describe_settings
from mfwb.errors import NotFound, UsageError
from mfwb.open_files import max_open_runs
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.draft import (
    STILL_RUNNING,
    Draft,
    draft,
    make_outcome,
    notes_on,
    still_running_outcome,
)
from mfwb.pipeline.executor import Executor
from mfwb.pipeline.failures import failed_outcome
from mfwb.pipeline.flow_run_room import MAX_FLOW_RUNS, FlowRunRoom, bytes_of
from mfwb.pipeline.group_pages import with_group_page
from mfwb.pipeline.log_order import LogOrder, Turn
from mfwb.pipeline.look_ahead import look_ahead
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.request_costs import count_sent
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.pipeline.stored_outcomes import StoredOutcomes
from mfwb.pipeline.sync_history import SyncHistory, ids_written_before, is_done
from mfwb.pipeline.unmatched import TableUse
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import Destination, Entry, SyncState

__all__ = ["sync_flow_runs"]

_OFFLINE_WORKERS = 2  # offline there is nothing to wait for: more workers only hinder each other
_MAX_BYTES = 10**9
"""Bytes of memory of the plans, and of the processes that convert artifacts, of all flow runs that
are written at a time. So there are at most eight of these processes."""


def sync_flow_runs(
    selection: Selection,
    settings: Settings,
    parts: Parts,
    *,
    forced: Collection[str] | None = None,
    expected: Mapping[str, str] | None = None,
) -> Result:
    """Replay flow runs into W&B and return the result; complete ones stay as they are.

    A flow run that can't be synced is in the result, with a reason; the others go on.

    Args:
        selection: the flow runs.
        settings: of this call.
        parts: source, sink and the other parts.
        forced: names of the W&B runs that `force` in the settings is for; None: all of them.
        expected: the digest that the plan of each flow run must have; None: any.

    Raises:
        UsageError: a flow run does not have the expected plan.
    """
    began = monotonic()
    history = SyncHistory(selection, settings, parts)
    notes: list[str] = []
    selected = select_flow_runs(selection, parts.source, history.find_open_flow_runs, notes)
    destinations = {history.destination(flow) for flow in selected.flows}
    with parts.ledger.lock(destinations, wait=settings.wait):
        selected = history.remove_excluded(selected)
        with _started_sync(settings, parts, history, forced) as sync:
            sync.expected = expected
            outcomes = sync.run(selected)
            notes += [*notes_on(selection, outcomes.others), *sync.tables.notes(selected.flows)]
            return Result(
                "sync",
                cast("tuple[FlowRunOutcome, ...]", outcomes),  # see `Result.in_memory`
                notes=tuple(notes),
                seconds=monotonic() - began,
                requests=count_sent(parts.sink.request_budget),
            )


@contextmanager
def _started_sync(
    settings: Settings, parts: Parts, history: SyncHistory, forced: Collection[str] | None
) -> Iterator[_Sync]:
    """Yield a sync with workers. If it is interrupted, only what has been started is awaited."""
    online = parts.sink.bundle is None
    workers = min(settings.sync_workers, max_open_runs() if online else _OFFLINE_WORKERS)
    at_once = MAX_FLOW_RUNS if online else 1

    def force(run: PlannedRun) -> bool:
        return settings.force and (forced is None or run.name in forced)

    executor = Executor(parts, workers, force=force)
    flow_run_pool = ThreadPoolExecutor(at_once, thread_name_prefix="mfwb-flow-run")
    room = FlowRunRoom(at_once, _MAX_BYTES, is_needed=lambda: executor.waiting() < workers)
    sync = _Sync(
        settings, parts, history, executor=executor, flow_run_pool=flow_run_pool, room=room
    )
    try:
        yield sync
    except BaseException:  # the whole call ends, as by Ctrl-C: nobody wants to wait for payloads
        sync.interrupted.set()
        flow_run_pool.shutdown(wait=False, cancel_futures=True)
        try:
            executor.end(settings.timeout)
        finally:
            parts.payloads.close()
        raise
    flow_run_pool.shutdown()
    executor.close()


class _Sync:
    """One call: reads flow runs one after the other, and writes several at once."""

    def __init__(  # noqa: PLR0913 - these are the parts that it works with
        self,
        settings: Settings,
        parts: Parts,
        history: SyncHistory,
        *,
        executor: Executor,
        flow_run_pool: ThreadPoolExecutor,
        room: FlowRunRoom,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._history = history
        self._executor = executor
        self._flow_run_pool = flow_run_pool
        self._room = room
        self._started: dict[str, Future[FlowRunOutcome]] = {}
        self._log_order = LogOrder()
        self.expected: Mapping[str, str] | None = None
        self.tables = TableUse(settings)
        self.interrupted = Event()  # once it is set, a failure means nothing

    def run(self, selected: Sequence[SelectedFlowRun]) -> StoredOutcomes:
        """Return the outcome of each flow run, in their order."""
        results = StoredOutcomes()
        started: dict[int, tuple[str, Future[FlowRunOutcome]]] = {}  # by position
        self._parts.progress.selected(len(selected))
        for position, flow_run in enumerate(
            look_ahead(selected, self._settings, self._parts.sink, self._history)
        ):
            outcome = self._outcome_of(flow_run, position, len(selected))
            for slot, (name, future) in list(started.items()):
                if future.done() and not future.cancelled() and future.exception() is None:
                    results.fill(slot, with_group_page(future.result()))
                    del started[slot], self._started[name]
            if isinstance(outcome, Future):
                started[results.reserve()] = str(flow_run.pathspec), outcome
            else:  # else `_carry_out_and_notify` notifies
                results.append(with_group_page(outcome))
                self._parts.progress.finished(outcome)
        for slot, (_, future) in started.items():
            results.fill(slot, with_group_page(future.result()))
        return results

    def _outcome_of(
        self, flow_run: SelectedFlowRun, position: int, total: int
    ) -> FlowRunOutcome | Future[FlowRunOutcome]:
        """Return the outcome of a flow run, or what returns it when the flow run is written."""
        try:
            known = self._history.find_outcome(flow_run)
            if known is not None:
                return known
            self._parts.progress.flow_run(str(flow_run.pathspec), position, total)
            return self._start(flow_run)
        except BaseException as error:  # noqa: BLE001 - see `failed_outcome`
            return self._unreadable(flow_run, error)

    def _unreadable(self, flow_run: SelectedFlowRun, error: BaseException) -> FlowRunOutcome:
        """Record a flow run that could not be read or looked up, and return its outcome."""
        outcome = failed_outcome(str(flow_run.pathspec), error, self._parts.bugs)
        is_gone = isinstance(error, NotFound)
        return self._record_failure(
            outcome,
            lambda: self._history.record_failure(flow_run, outcome.reason or "", is_gone=is_gone),
        )

    def _record_failure(
        self, outcome: FlowRunOutcome, record: Callable[[], None]
    ) -> FlowRunOutcome:
        """Write a failure to the ledger if possible, and return the outcome."""
        try:
            record()
        except BaseException as error:  # noqa: BLE001 - the first error is the one that counts
            failed_outcome(outcome.pathspec, error, self._parts.bugs)
        return outcome

    def _start(self, selected: SelectedFlowRun) -> FlowRunOutcome | Future[FlowRunOutcome]:
        """Read a flow run; if there is something to write, start that."""
        began = monotonic()
        drafted = draft(selected, self._settings, self._parts)
        self._raise_if_unexpected(drafted)
        self.tables.add(drafted.flow_run)
        if drafted.plan is None:
            self._history.record(drafted, SyncState.RUNNING, reason=STILL_RUNNING)
            return still_running_outcome(drafted)
        if reason := self._history.exclusion_reason(drafted):
            self._history.record(drafted, SyncState.LEFT_OUT, reason=reason)
            return FlowRunOutcome(str(selected.pathspec), Status.SKIPPED, reason=reason)
        before = self._history.previous_entry(drafted)
        if before is not None and self._is_unchanged(before, drafted.plan, selected):
            unchanged = before.outcome and self._with_settings(before.outcome, drafted)
            self._history.record(drafted, SyncState.SYNCED, outcome=unchanged)
            return _unchanged(before, drafted.plan, drafted.destination)
        size = bytes_of(drafted.plan)
        self._room.take(size)
        # Only flow runs that were started before are awaited, so that no two wait for each other.
        first = [self._started[name] for name in sorted(drafted.others & self._started.keys())]
        turn = self._log_order.add(drafted.plan)
        work = partial(self._carry_out_and_notify, drafted, drafted.plan, before, first, turn)
        future = self._flow_run_pool.submit(_with_seconds, began, work)
        future.add_done_callback(lambda _: self._room.give_back(size))
        self._started[str(selected.pathspec)] = future
        return future

    def _raise_if_unexpected(self, drafted: Draft) -> None:
        """Raise UsageError if a plan is carried out, and the flow run is not as planned."""
        if self.expected is None:
            return
        pathspec = drafted.flow_run.pathspec
        if drafted.plan is None or drafted.plan.digest != self.expected.get(pathspec):
            raise UsageError(f"{pathspec} changed while its plan was carried out; make a new plan")

    def _is_unchanged(self, before: Entry, plan: Plan, selected: SelectedFlowRun) -> bool:
        """Return whether the ledger alone shows that there is nothing to do.

        A flow run that was given by name is looked up in W&B, because somebody may have deleted it
        there. So is every flow run if deleted W&B runs are to be written again.
        """
        if self._settings.force or not is_done(before, plan) or before.outcome is None:
            return False
        if self._parts.sink.bundle is not None:
            return True
        return selected.listed is not None and self._settings.on_deleted == "skip"

    def _carry_out_and_notify(
        self,
        drafted: Draft,
        plan: Plan,
        before: Entry | None,
        first: Sequence[Future[FlowRunOutcome]],
        turn: Turn,
    ) -> FlowRunOutcome:
        outcome = self._carry_out(drafted, plan, before, first, turn)
        self._parts.progress.finished(outcome)
        return outcome

    def _carry_out(
        self,
        drafted: Draft,
        plan: Plan,
        before: Entry | None,
        first: Sequence[Future[FlowRunOutcome]],
        turn: Turn,
    ) -> FlowRunOutcome:
        """Write a flow run, and record it, or why it could not be written."""
        earlier = before.outcome if before else None
        try:
            for future in first:
                with suppress(BaseException):  # its failure is reported for itself
                    future.exception()
            return self._write(drafted, plan, earlier, turn)
        except BaseException as error:
            if self.interrupted.is_set():  # the parts are being closed, which caused the error
                raise
            failure = failed_outcome(plan.flow_run, error, self._parts.bugs)
        finally:
            turn.finish()
        reason = failure.reason or ""
        outcome = make_outcome(failure.status, plan, drafted.destination, (), reason)
        return self._record_failure(
            replace(outcome, bug=failure.bug, exit_code=failure.exit_code),
            lambda: self._history.record(drafted, SyncState.FAILED, reason=reason, outcome=earlier),
        )

    def _write(
        self, drafted: Draft, plan: Plan, earlier: FlowRunOutcome | None, turn: Turn
    ) -> FlowRunOutcome:
        self._history.record(drafted, SyncState.BEGUN, outcome=earlier)
        ledger = self._parts.ledger
        forgotten = ledger.forgotten(drafted.destination)
        written_before = ids_written_before(earlier) - forgotten
        with self._parts.sink.open(
            plan, writer=ledger.id, written=written_before, forgotten=forgotten
        ) as session:
            result = self._executor.carry_out(drafted, plan, session, turn)
        outcome = with_account(
            make_outcome(Status.SYNCED, plan, drafted.destination, result.runs),
            drafted.flow_run,
            plan,
        )
        outcome = with_group_page(self._with_settings(outcome, drafted))
        is_whole = all(run.complete for run in result.runs)
        if reason := result.error or ("" if is_whole else "W&B did not accept all of it"):
            outcome = replace(outcome, status=Status.FAILED, reason=reason)
            self._history.record(drafted, SyncState.FAILED, reason=reason, outcome=outcome)
        else:
            self._history.record(drafted, SyncState.SYNCED, outcome=outcome)
            if not result.wrote:
                return outcome.as_unchanged()
        return outcome

    def _with_settings(self, outcome: FlowRunOutcome, drafted: Draft) -> FlowRunOutcome:
        """Return an outcome with the settings of this call, for the comparison of a later plan."""
        described = describe_settings(self._settings, drafted.flow_run.flow)
        return replace(outcome, settings=described)


def _with_seconds(began: float, work: Callable[[], FlowRunOutcome]) -> FlowRunOutcome:
    """Return the outcome of some work, with the seconds since its flow run was begun to be read."""
    outcome = work()
    if outcome.status is Status.UNCHANGED:
        return outcome
    return replace(outcome, seconds=monotonic() - began)


def _unchanged(before: Entry, plan: Plan, destination: Destination) -> FlowRunOutcome:
    if before.outcome is None:
        return make_outcome(Status.UNCHANGED, plan, destination, ())
    return before.outcome.as_unchanged()
