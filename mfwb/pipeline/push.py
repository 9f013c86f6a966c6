"""Push of a bundle: send the flow runs that were not pushed yet, and record each in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic

from mfwb.account_balance import with_pushed_account
from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.failures import failed_outcome
from mfwb.pipeline.group_pages import with_group_pages
from mfwb.ports import (
    BugLog,
    BundledFlowRun,
    Entry,
    Ledger,
    Progress,
    PushedFlowRun,
    Pusher,
    SyncState,
)

__all__ = ["push_flow_runs"]

_BUNDLED = (SyncState.SYNCED, SyncState.INCOMPLETE)
_NOTHING_TO_PUSH = (SyncState.RUNNING, SyncState.LEFT_OUT)


def push_flow_runs(
    settings: Settings, ledger: Ledger, pusher: Pusher, progress: Progress, bugs: BugLog
) -> Result:
    """Push the flow runs in the bundle of a ledger; those that were pushed before are skipped.

    A flow run that can't be pushed is in the result with a reason; the others are pushed.
    """
    began = monotonic()
    bundled = [entry for entry in ledger.entries() if entry.destination.mode == "offline"]
    destinations = {pusher.destination(entry.destination) for entry in bundled}
    with ledger.lock(destinations, wait=settings.wait):
        push = _Push(settings, ledger, pusher, bugs)
        outcomes = with_group_pages(push.outcomes(progress))
        return Result("push", outcomes, seconds=monotonic() - began)


class _Push:
    def __init__(self, settings: Settings, ledger: Ledger, pusher: Pusher, bugs: BugLog) -> None:
        self._settings = settings
        self._ledger = ledger
        self._pusher = pusher
        self._bugs = bugs

    def outcomes(self, progress: Progress) -> Iterable[FlowRunOutcome]:
        """Return the outcome of each flow run, the oldest first."""
        outcomes: dict[int, FlowRunOutcome] = {}
        cargo: dict[int, BundledFlowRun] = {}
        bundled = self._bundled()
        progress.selected(len(bundled))
        for position, entry in enumerate(bundled):
            try:
                step = self._outcome_or_cargo(entry)
            except BaseException as error:  # noqa: BLE001 - what ends the call is raised again
                step = failed_outcome(entry.flow_run, error, self._bugs)
            if isinstance(step, BundledFlowRun):
                cargo[position] = step
            else:
                outcomes[position] = step
                progress.finished(step)
        positions = {flow_run.key: position for position, flow_run in cargo.items()}
        for pushed in self._push(list(cargo.values()), progress):
            outcome = outcomes[positions[pushed.cargo.key]] = self._record(pushed)
            progress.finished(outcome)
        return [outcomes[position] for position in sorted(outcomes)]

    def _push(self, cargo: Sequence[BundledFlowRun], progress: Progress) -> Iterator[PushedFlowRun]:
        """Yield each flow run; an error that ends the push is the failure of all that remain."""
        in_flight = {flow_run.key: flow_run for flow_run in cargo}
        if not cargo:
            return
        try:
            for pushed in self._pusher.push(cargo, writer=self._ledger.id, progress=progress):
                del in_flight[pushed.cargo.key]
                yield pushed
        except Exception as error:
            if ends_the_call(error):
                raise
            for flow_run in in_flight.values():
                yield PushedFlowRun(flow_run, reason=str(error) or type(error).__name__, bug=error)

    def _record(self, pushed: PushedFlowRun) -> FlowRunOutcome:
        """Write the result of a flow run to the ledger; return its outcome."""
        try:
            return self._write_outcome(pushed)
        except BaseException as error:  # noqa: BLE001 - what ends the call is raised again
            return failed_outcome(pushed.cargo.entry.flow_run, error, self._bugs)

    def _bundled(self) -> list[Entry]:
        """Return the entries of the bundle that may have something to push, oldest first."""
        return [
            entry
            for entry in self._ledger.entries()
            if entry.destination.mode == "offline" and entry.sync_state not in _NOTHING_TO_PUSH
        ]

    def _outcome_or_cargo(self, entry: Entry) -> FlowRunOutcome | BundledFlowRun:
        """Return the outcome of a flow run if the ledger decides it; otherwise what to push."""
        destination = self._pusher.destination(entry.destination)
        bundled = self._ledger.entry(entry.flow_run, entry.provider, entry.destination)
        outcome = bundled.outcome if bundled else None
        if entry.sync_state not in _BUNDLED or outcome is None:
            why = entry.reason or "its last sync was interrupted"
            reason = f"the bundle does not have all of it: {why}; sync it into the bundle again"
            return FlowRunOutcome(entry.flow_run, Status.FAILED, reason=reason)
        before = self._ledger.entry(entry.flow_run, entry.provider, destination)
        earlier = before.outcome if before else None
        if before is not None and earlier is not None and self._is_done(before, entry):
            return earlier.as_unchanged()
        runs = earlier.wandb_runs if earlier else ()
        written = frozenset(run.id for run in runs if run.url or run.deleted)
        cargo = BundledFlowRun(entry, destination, outcome, written)
        self._write_entry(cargo, SyncState.BEGUN, outcome=earlier)
        return cargo

    def _is_done(self, before: Entry, entry: Entry) -> bool:
        """Whether the flow run was pushed by the ledger; the ledger does not record deletions."""
        is_same = before.sync_state is SyncState.SYNCED and before.digest == entry.digest
        return is_same and bool(entry.digest) and self._settings.on_deleted == "skip"

    def _write_outcome(self, pushed: PushedFlowRun) -> FlowRunOutcome:
        cargo = pushed.cargo
        outcome = replace(
            cargo.outcome,
            status=Status.SYNCED,
            mode=cargo.destination.mode,
            wandb_runs=pushed.runs,
        )
        outcome = with_pushed_account(outcome, cargo.outcome)
        if pushed.superseded:
            self._write_entry(cargo, SyncState.LEFT_OUT, reason=pushed.reason)
            return FlowRunOutcome(cargo.entry.flow_run, Status.SKIPPED, reason=pushed.reason)
        if pushed.reason:
            reason, is_bug = pushed.reason, False
            if pushed.bug is not None:
                failure = failed_outcome(cargo.entry.flow_run, pushed.bug, self._bugs)
                reason, is_bug = failure.reason or reason, failure.bug
            outcome = replace(outcome, status=Status.FAILED, reason=reason, bug=is_bug)
            self._write_entry(
                cargo, SyncState.FAILED, reason=reason, outcome=replace(outcome, bug=False)
            )
            return outcome
        self._write_entry(cargo, SyncState.SYNCED, outcome=outcome)
        return outcome if pushed.wrote else outcome.as_unchanged()

    def _write_entry(
        self,
        cargo: BundledFlowRun,
        sync_state: SyncState,
        *,
        reason: str = "",
        outcome: FlowRunOutcome | None = None,
    ) -> None:
        entry = replace(
            cargo.entry,
            destination=cargo.destination,
            sync_state=sync_state,
            reason=reason,
            outcome=outcome,
        )
        self._ledger.write(entry)
