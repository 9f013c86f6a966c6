"""The sync status of the flow runs in a ledger."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ports import Entry
from mfwb.snapshot.pathspec import flow_of
from mfwb.sync_status import SyncStatus, summarize

__all__ = ["read_entries", "read_sync_status"]


def read_sync_status(
    path: Path, *, flows: Collection[str], entity: str | None, project: str | None
) -> SyncStatus:
    """Return the sync status of flow runs; if there is no ledger, none is created.

    Args:
        path: the file of the ledger.
        flows: names of the selected flows; empty: all.
        entity: select only flow runs that were sent to this entity; None: any.
        project: select only flow runs that were sent to this project; None: any.

    Raises:
        UsageError: if the file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps it locked.
    """
    if not path.exists():
        return summarize(str(path), known=(), lost=())
    with SqliteLedger.open(path) as ledger:
        selected = [
            known
            for known in ledger.known()
            if not flows or known.flow in flows
            if entity in (None, known.entry.destination.entity)
            if project in (None, known.entry.destination.project)
        ]
        losses = ledger.losses(known.entry for known in selected if known.lost)
        return summarize(str(path), selected, losses)


def read_entries(path: Path, flow_run: str, provider: str) -> list[Entry]:
    """Return the entries of a flow run with their outcomes; if there is no ledger, none is created.

    Args:
        path: the file of the ledger.
        flow_run: its pathspec.
        provider: the metadata provider that it was read from.

    Raises:
        UsageError: if the file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps it locked.
    """
    if not path.exists():
        return []
    with SqliteLedger.open(path) as ledger:
        listed = ledger.entries(provider=provider, flow=flow_of(flow_run))
        stored = [
            ledger.entry(entry.flow_run, entry.provider, entry.destination)
            for entry in listed
            if entry.flow_run == flow_run
        ]
    return [entry for entry in stored if entry is not None]
