"""What the ledger says of flow runs before they are read, and what it is told afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.pipeline.draft import Draft
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.selection import Chosen, Selection
from mfwb.planning import Plan
from mfwb.ports import Destination, Entry, ListedFlowRun, SyncState
from mfwb.snapshot import FlowRun, FlowRunState

__all__ = ["Memory", "is_done"]

_FINAL = frozenset({FlowRunState.FINISHED.value, FlowRunState.FAILED.value})
_EARLIER = 3_600_000  # ms; more than the window's start may lie before what was asked for
_PATIENCE = timedelta(hours=1)
"""What W&B refused is offered again after that; a job that runs every minute would wear it out."""


class Memory:
    """The ledger, seen from one call."""

    def __init__(self, selection: Selection, settings: Settings, parts: Parts) -> None:
        self._selection = selection
        self._settings = settings
        self._parts = parts
        self._now = datetime.now(timezone.utc)
        self._by_flow: dict[str, dict[str, Entry]] = {}
        self._stamps: dict[str, str] = {}

    def refresh(self) -> None:
        """Read the ledger again when it is next asked: another sync may have ended meanwhile."""
        self._by_flow.clear()

    def destination(self, flow: str) -> Destination:
        """Return where the runs of a flow go; Unreachable."""
        return self._parts.sink.destination(flow)

    def open_ones(self, flow: str, listed: Iterable[ListedFlowRun]) -> Iterable[str]:
        """Return the flow runs that an earlier sync did not end with, and those tagged since."""
        left_open = [
            entry.flow_run
            for entry in self._entries(flow).values()
            if entry.standing.is_open and not self._can_wait(entry)
        ]
        then = self._parts.ledger.stamps(
            provider=self._parts.source.provider, destination=self.destination(flow), flow=flow
        )
        found = ((str(one.pathspec), one.stamp) for one in listed)
        tagged = [name for name, stamp in found if then.get(name, stamp) != stamp]
        return [*left_open, *tagged]

    def recall(self, chosen: Chosen) -> FlowRunOutcome | None:
        """Return what is known of a flow run that need not be read; None if it has to be.

        What is over does not change any more but for its tags, which listings show; and what was
        asked for is the same as long as the settings are.
        """
        if chosen.listed is None or self._settings.force or self._settings.on_deleted != "skip":
            return None
        entry = self._entries(chosen.pathspec.flow).get(str(chosen.pathspec))
        if entry is None or not self._is_current(entry, chosen):
            return None
        return self._recorded(entry.flow_run, self.destination(chosen.pathspec.flow))

    def without_left_out(self, chosen: Iterable[Chosen]) -> list[Chosen]:
        """Return flow runs but for those known to be ones that --failed or --no-failed leaves out.

        One that the ledger can't tell of stays, to fail by itself.
        """
        kept = []
        for one in chosen:
            try:
                if not self.leaves_out(one):
                    kept.append(one)
            except Exception as error:  # noqa: PERF203 - each for itself
                if ends_the_call(error):
                    raise
                kept.append(replace(one, trouble=error))
        return kept

    def leaves_out(self, chosen: Chosen) -> bool:
        """Whether a flow run is known to be one that --failed or --no-failed leaves out."""
        entry = self._entries(chosen.pathspec.flow).get(str(chosen.pathspec))
        is_left_out = entry is not None and entry.standing is SyncState.LEFT_OUT
        return is_left_out and entry is not None and self._is_current(entry, chosen)

    def is_new(self, chosen: Chosen) -> bool:
        """Whether nothing is known of a flow run, so that W&B has to be asked about it."""
        entry = self._entries(chosen.pathspec.flow).get(str(chosen.pathspec))
        return entry is None or not entry.digest

    def before(self, drafted: Draft) -> Entry | None:
        """Return what was known of a flow run until now."""
        flow_run = drafted.flow_run
        return self._parts.ledger.entry(flow_run.pathspec, flow_run.provider, drafted.destination)

    def left_out(self, drafted: Draft) -> str:
        """Return why a flow run is left out that was read; empty if it is not."""
        failed = drafted.flow_run.state in _FAILED
        if self._selection.failed is None or self._selection.failed is failed:
            return ""
        return "it failed, and --no-failed leaves it out" if failed else "it did not fail"

    def note(
        self,
        drafted: Draft,
        standing: SyncState,
        *,
        reason: str = "",
        outcome: FlowRunOutcome | None = None,
    ) -> None:
        """Write down how far a flow run has come."""
        flow_run = drafted.flow_run
        self._parts.ledger.write(
            Entry(
                flow_run=flow_run.pathspec,
                provider=flow_run.provider,
                destination=drafted.destination,
                standing=standing,
                state=flow_run.state.value,
                started_at=drafted.plan.source.created_at if drafted.plan else 0,
                listed=_stamp(flow_run),
                asked=self._stamp(flow_run.flow),
                digest=drafted.plan.digest if drafted.plan else "",
                reason=reason,
                outcome=outcome,
            )
        )

    def note_failure(self, chosen: Chosen, reason: str, *, is_gone: bool) -> None:
        """Write down that a flow run could not even be read; one that is gone is given up."""
        provider = self._parts.source.provider
        destination = self.destination(chosen.pathspec.flow)
        before = self._parts.ledger.entry(str(chosen.pathspec), provider, destination)
        if before is None and (is_gone or chosen.listed is None):
            return  # whoever named it is told
        entry = before or Entry(str(chosen.pathspec), provider, destination, SyncState.FAILED)
        standing = SyncState.LEFT_OUT if is_gone else SyncState.FAILED
        self._parts.ledger.write(replace(entry, standing=standing, reason=reason, listed=""))

    def _is_current(self, entry: Entry, chosen: Chosen) -> bool:
        listed = chosen.listed
        if listed is None or entry.listed != listed.stamp:
            return False
        if entry.state not in _FINAL or entry.asked != self._stamp(chosen.pathspec.flow):
            return False
        return not entry.standing.is_open or self._can_wait(entry)

    def _can_wait(self, entry: Entry) -> bool:
        if entry.standing is not SyncState.INCOMPLETE or not entry.at:
            return False
        return self._now - datetime.fromisoformat(entry.at.replace("Z", "+00:00")) < _PATIENCE

    def _recorded(self, flow_run: str, destination: Destination) -> FlowRunOutcome | None:
        entry = self._parts.ledger.entry(flow_run, self._parts.source.provider, destination)
        if entry is None or entry.outcome is None:
            return None
        return replace(entry.outcome, status=Status.UNCHANGED)

    def _entries(self, flow: str) -> dict[str, Entry]:
        if flow not in self._by_flow:
            found = self._parts.ledger.entries(
                provider=self._parts.source.provider,
                destination=self.destination(flow),
                flow=flow,
                since=None if self._selection.since is None else self._selection.since - _EARLIER,
            )
            self._by_flow[flow] = {entry.flow_run: entry for entry in found}
        return self._by_flow[flow]

    def _stamp(self, flow: str) -> str:
        if flow not in self._stamps:
            self._stamps[flow] = f"{self._settings.stamp(flow)}-{self._selection.failed}"
        return self._stamps[flow]


def is_done(entry: Entry, plan: Plan) -> bool:
    """Whether this very plan was carried out whole."""
    return entry.standing is SyncState.SYNCED and entry.digest == plan.digest


_FAILED = frozenset(FlowRunState) - {FlowRunState.FINISHED, FlowRunState.RUNNING}


def _stamp(flow_run: FlowRun) -> str:
    """Return the same as the listing of a flow run says."""
    return "\n".join(sorted(flow_run.tags))
