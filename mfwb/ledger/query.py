"""What a ledger says of how things stand."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mfwb.ledger.sqlite import SqliteLedger
from mfwb.sync_status import SyncStatus, summarize

__all__ = ["standings_in"]


def standings_in(
    path: Path, *, flows: Collection[str], entity: str | None, project: str | None
) -> SyncStatus:
    """Return how flow runs stand; where there is no ledger, none is made.

    Args:
        path: of the ledger.
        flows: names of those that are of interest; empty: all.
        entity: only what went there; None: anywhere.
        project: only what went there; None: anywhere.

    Raises:
        UsageError: if the file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps it locked.
    """
    if not path.exists():
        return summarize(str(path), known=(), losses=())
    with SqliteLedger.open(path) as ledger:
        known = [
            one
            for one in ledger.known()
            if not flows or one.flow in flows
            if entity in (None, one.entry.destination.entity)
            if project in (None, one.entry.destination.project)
        ]
        losses = ledger.losses(one.entry for one in known if one.lost)
        return summarize(str(path), known, losses)
