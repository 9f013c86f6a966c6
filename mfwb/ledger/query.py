"""The sync status of the flow runs in a ledger."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mfwb.ledger.sqlite import SqliteLedger
from mfwb.sync_status import SyncStatus, summarize

__all__ = ["read_sync_status"]


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
