"""The sync status of the flow runs in a ledger."""

from __future__ import annotations

from pathlib import Path

from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ledger.status_rows import StatusFilter
from mfwb.sync_status import SyncStatus, add_up, by_urgency

__all__ = ["read_sync_status"]


def read_sync_status(
    path: Path,
    selected: StatusFilter,
    *,
    failed: bool = False,
    lossy: bool = False,
    limit: int | None = None,
) -> SyncStatus:
    """Return the sync status of flow runs; if there is no ledger, none is created.

    Args:
        path: the file of the ledger.
        selected: the flow runs.
        failed: list only those that could not be synced.
        lossy: list only those with losses.
        limit: list at most so many; None: all.

    Raises:
        UsageError: if the file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps it locked.
    """
    if not path.exists():
        return SyncStatus(str(path), (), (), ())
    with SqliteLedger.open(path) as ledger:
        listed = ledger.list_known(selected, failed=failed, lossy=lossy, limit=limit)
        total = ledger.count_known(selected, failed=failed, lossy=lossy)
        return SyncStatus(
            ledger=str(path),
            flows=add_up(ledger.counts(selected)),
            open=by_urgency(known.entry for known in ledger.list_known(selected, is_open=True)),
            lost=tuple(ledger.losses(selected)),
            flow_runs=tuple(listed),
            more=total - len(listed),
        )
