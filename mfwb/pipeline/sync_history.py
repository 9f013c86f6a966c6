"""Sync history: what the ledger has of flow runs before they are read, and records afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from datetime import datetime, timedelta, timezone
from itertools import islice

from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.operations import note_operation
from mfwb.outcome import FlowRunOutcome
from mfwb.pipeline.draft import Draft
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.selected_flow_runs import SelectedFlowRun, SelectedFlowRuns
from mfwb.pipeline.selection import Selection
from mfwb.planning import Plan
from mfwb.ports import Destination, Entry, ListedFlowRun, SyncState
from mfwb.snapshot import FlowRun, FlowRunState
from mfwb.snapshot.pathspec import Pathspec

__all__ = ["SyncHistory", "ids_written_before", "is_done"]

_FINAL = frozenset({FlowRunState.FINISHED.value, FlowRunState.FAILED.value})
_AT_ONCE = 500  # flow runs in a query; SQLite before 3.32 takes 999 values
_RETRY_AFTER = timedelta(hours=1)
"""Refused items are sent again after this time: a job that runs every minute would overload it."""


class SyncHistory:
    """The ledger entries that one call needs."""

    def __init__(self, selection: Selection, settings: Settings, parts: Parts) -> None:
        self._selection = selection
        self._settings = settings
        self._parts = parts
        self._now = datetime.now(timezone.utc)
        self._stamps: dict[str, str] = {}
        self._destinations: dict[str, Destination] = {}
        # Of the flow runs that come next alone; there may be a hundred thousand.
        self._entries: dict[Pathspec, Entry | None] = {}

    def destination(self, flow: str) -> Destination:
        """Return the destination of a flow's runs; Unreachable."""
        if flow not in self._destinations:
            self._destinations[flow] = self._parts.sink.destination(flow)
        return self._destinations[flow]

    def find_open_flow_runs(self, flow: str, listed: Iterable[ListedFlowRun]) -> Iterable[str]:
        """Return the flow runs that an earlier sync did not complete, and those tagged since."""
        ledger, provider = self._parts.ledger, self._parts.source.provider
        destination = self.destination(flow)
        open_entries = ledger.entries(
            provider=provider, destination=destination, flow=flow, is_open=True
        )
        left_open = [entry.flow_run for entry in open_entries if not self._can_wait(entry)]
        for chunk in _chunks(listed):
            stamps = {str(flow_run.pathspec): flow_run.stamp for flow_run in chunk}
            then = ledger.stamps(stamps, provider, destination)
            left_open += [name for name in stamps if then.get(name, stamps[name]) != stamps[name]]
        return left_open

    def find_outcome(self, selected: SelectedFlowRun) -> FlowRunOutcome | None:
        """Return the recorded outcome of a flow run; None if the flow run has to be read.

        A flow run that has ended does not change any more, except for its tags, which listings
        show. The same settings ask for the same result.
        """
        if self._settings.force or self._settings.on_deleted != "skip" or selected.listed is None:
            return None
        entry = self.entry_of(selected)
        if entry is None or not self._is_current(entry, selected):
            return None
        return entry.outcome

    def look_ahead(self, selected: Iterable[SelectedFlowRun]) -> None:
        """Read the entries of flow runs that come next, in one query for each flow.

        If that fails, each flow run queries for itself, and fails alone.
        """
        self._entries = {}
        try:
            self._entries = self._find_entries(selected)
        except Exception as error:
            if ends_the_call(error):
                raise

    def _find_entries(self, selected: Iterable[SelectedFlowRun]) -> dict[Pathspec, Entry | None]:
        by_flow: dict[str, dict[str, Pathspec]] = {}
        for flow_run in selected:
            pathspec = flow_run.pathspec
            by_flow.setdefault(pathspec.flow, {})[str(pathspec)] = pathspec
        result: dict[Pathspec, Entry | None] = {}
        for flow, pathspecs in by_flow.items():
            entries = self._parts.ledger.entries_of(
                pathspecs, self._parts.source.provider, self.destination(flow)
            )
            result.update({pathspecs[name]: entries.get(name) for name in pathspecs})
        return result

    def remove_excluded(self, selected: SelectedFlowRuns) -> SelectedFlowRuns:
        """Return the flow runs without those that --failed or --no-failed is known to exclude.

        If the ledger can't be read for a flow, its runs stay, and each fails alone.
        """
        excluded = {
            entry.flow_run: entry for flow in selected.flows for entry in self._left_out(flow)
        }
        if not excluded:
            return selected

        def is_kept(flow_run: SelectedFlowRun) -> bool:
            entry = excluded.get(str(flow_run.pathspec))
            return entry is None or not self._is_current(entry, flow_run)

        return selected.filtered(is_kept)

    def _left_out(self, flow: str) -> Iterable[Entry]:
        try:
            return self._parts.ledger.entries(
                provider=self._parts.source.provider,
                destination=self.destination(flow),
                flow=flow,
                sync_state=SyncState.LEFT_OUT,
            )
        except Exception as error:
            if ends_the_call(error):
                raise
            return ()

    def is_new(self, selected: SelectedFlowRun) -> bool:
        """Return whether the ledger has no plan of a flow run, so that W&B has to be queried.

        It is one of those that come next; False if the ledger could not be read for them.
        """
        if selected.pathspec not in self._entries:
            return False
        entry = self._entries[selected.pathspec]
        return entry is None or not entry.digest

    def entry_of(self, selected: SelectedFlowRun) -> Entry | None:
        """Return the ledger's entry of a flow run, with what an unchanged one shows; None: none."""
        if selected.pathspec not in self._entries:
            self._entries.update(self._find_entries([selected]))
        return self._entries[selected.pathspec]

    def settings_stamp(self, flow: str) -> str:
        """Return the stamp of the settings of this call for a flow."""
        return self._stamp(flow)

    def previous_entry(self, drafted: Draft) -> Entry | None:
        """Return the ledger's entry of a flow run before this sync; None if it has none."""
        flow_run = drafted.flow_run
        return self._parts.ledger.entry(flow_run.pathspec, flow_run.provider, drafted.destination)

    def exclusion_reason(self, drafted: Draft) -> str:
        """Return why a flow run that was read is excluded; empty if it is not."""
        failed = drafted.flow_run.state in _FAILED
        if self._selection.failed is None or self._selection.failed is failed:
            return ""
        return "it failed, and --no-failed leaves it out" if failed else "it did not fail"

    def record(
        self,
        drafted: Draft,
        sync_state: SyncState,
        *,
        reason: str = "",
        outcome: FlowRunOutcome | None = None,
    ) -> None:
        """Write the sync state of a flow run to the ledger."""
        flow_run = drafted.flow_run
        self._parts.ledger.write(
            Entry(
                flow_run=flow_run.pathspec,
                provider=flow_run.provider,
                destination=drafted.destination,
                sync_state=sync_state,
                state=flow_run.state.value,
                started_at=drafted.plan.source.created_at if drafted.plan else 0,
                listed=_stamp(flow_run),
                settings_stamp=self._stamp(flow_run.flow),
                digest=drafted.plan.digest if drafted.plan else "",
                reason=reason,
                outcome=outcome,
            )
        )

    def record_failure(self, selected: SelectedFlowRun, reason: str, *, is_gone: bool) -> None:
        """Write to the ledger that a flow run could not be read; one that is gone is given up."""
        provider = self._parts.source.provider
        destination = self.destination(selected.pathspec.flow)
        before = self._parts.ledger.entry(str(selected.pathspec), provider, destination)
        if before is None and (is_gone or selected.listed is None):
            return  # the user who gave its name sees the error
        entry = before or Entry(str(selected.pathspec), provider, destination, SyncState.FAILED)
        sync_state = SyncState.LEFT_OUT if is_gone else SyncState.FAILED
        self._parts.ledger.write(replace(entry, sync_state=sync_state, reason=reason, listed=""))

    def _is_current(self, entry: Entry, selected: SelectedFlowRun) -> bool:
        reason = self._reason_to_read(entry, selected)
        decision = f"read again: {reason}" if reason else "not read: nothing changed since then"
        note_operation("decision", f"{entry.flow_run} is {entry.sync_state.value}; {decision}")
        return not reason

    def _reason_to_read(self, entry: Entry, selected: SelectedFlowRun) -> str:
        """Return why the ledger's entry of a flow run does not suffice; empty if it does."""
        listed = selected.listed
        if listed is None:
            return "it was given by its name"
        if entry.listed != listed.stamp:
            return "its tags changed"
        if entry.state not in _FINAL:
            return f"its state was {entry.state or 'not known'}"
        if entry.settings_stamp != self._stamp(selected.pathspec.flow):
            return "the settings or the version of mfwb changed"
        if entry.sync_state.is_open and not self._can_wait(entry):
            return "the last sync did not complete it"
        return ""

    def _can_wait(self, entry: Entry) -> bool:
        if entry.sync_state is not SyncState.INCOMPLETE or not entry.at:
            return False
        return self._now - datetime.fromisoformat(entry.at.replace("Z", "+00:00")) < _RETRY_AFTER

    def _stamp(self, flow: str) -> str:
        if flow not in self._stamps:
            stamp = f"{self._settings.stamp(flow)}-{self._selection.failed}"
            links = [address for address in astuple(self._parts.source.consoles) if address]
            self._stamps[flow] = "-".join([stamp, *links])
        return self._stamps[flow]


def _chunks(listed: Iterable[ListedFlowRun]) -> Iterator[list[ListedFlowRun]]:
    rest = iter(listed)
    while chunk := list(islice(rest, _AT_ONCE)):
        yield chunk


def ids_written_before(outcome: FlowRunOutcome | None) -> set[str]:
    """Return the ids of the W&B runs that an earlier sync wrote or found deleted."""
    return {run.id for run in outcome.wandb_runs if run.url or run.deleted} if outcome else set()


def is_done(entry: Entry, plan: Plan) -> bool:
    """Return whether exactly this plan was carried out completely."""
    return entry.sync_state is SyncState.SYNCED and entry.digest == plan.digest


_FAILED = frozenset(FlowRunState) - {FlowRunState.FINISHED, FlowRunState.RUNNING}


def _stamp(flow_run: FlowRun) -> str:
    """Return the same stamp as `ListedFlowRun.stamp`."""
    return "\n".join(sorted(flow_run.tags))
