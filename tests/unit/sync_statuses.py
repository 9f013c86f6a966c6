"""Sync statuses as a ledger gives them, for tests without a ledger."""

from __future__ import annotations

from collections.abc import Iterable

from mfwb.sync_status import (
    KnownFlowRun,
    LostItem,
    StateCount,
    SyncStatus,
    add_up,
    by_urgency,
)


def summarize(ledger: str, known: Iterable[KnownFlowRun], lost: Iterable[LostItem]) -> SyncStatus:
    """Return the sync status of flow runs, which are listed in the given order."""
    known = list(known)
    counts = [
        StateCount(run.flow, run.entry.destination, run.entry.sync_state, 1, run.lost, run.entry.at)
        for run in known
    ]
    return SyncStatus(
        ledger,
        flows=add_up(counts),
        open=by_urgency(run.entry for run in known if run.entry.sync_state.is_open),
        lost=tuple(lost),
        flow_runs=tuple(known),
    )
