"""Merging ledgers: the shards of a backfill have one each, and the user's ledger gets them all.

Of two entries of one flow run at one destination the newer one stays. If both are of the same
second, the one that is further on stays: synced, left out, incomplete, failed, running, begun. If
that is the same, too, the one whose content comes last when sorted stays. So the result is the
same in whatever order ledgers are merged, and however often.

An entry of mfwb 0.1 has no provider. It goes if there is one of the same flow run and destination
with a provider that is not older. Ids of W&B runs that a user had deleted all stay.

The rows are read and written again: SQLite's ATTACH would make journals that name another file,
and mfwb opens no ledger that has such a journal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from mfwb.ledger.rows import LedgerRow
from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ports import SyncState

__all__ = ["copy_entries", "merge_ledgers", "merge_rows"]

_PROGRESS = (
    *(SyncState.BEGUN, SyncState.RUNNING, SyncState.FAILED),
    *(SyncState.INCOMPLETE, SyncState.LEFT_OUT, SyncState.SYNCED),
)
_RANKS = {sync_state.value: rank for rank, sync_state in enumerate(_PROGRESS)}


def merge_ledgers(target: Path, sources: Iterable[Path]) -> None:
    """Merge ledgers into another one, which is created if there is none.

    The sources stay as they are; one that does not exist has nothing. What a kill leaves half
    merged is merged by the next call.

    Raises:
        UsageError: if a file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps one locked.
    """
    with SqliteLedger.open(target) as ledger:
        for source in sources:
            if source.exists():
                with SqliteLedger.open_read_only(source) as other:
                    ledger.merge(other.rows(), other.all_forgotten(), merge_rows)


def copy_entries(target: Path, source: Path, flow_runs: Collection[str]) -> None:
    """Merge the entries of some flow runs, and what was deleted, into another ledger.

    Errors are those of `merge_ledgers`.
    """
    if not source.exists():
        return
    with SqliteLedger.open_read_only(source) as other, SqliteLedger.open(target) as ledger:
        rows = (row for row in other.rows() if row.flow_run in flow_runs)
        ledger.merge(rows, other.all_forgotten(), merge_rows)


def merge_rows(rows: Iterable[LedgerRow]) -> Iterator[LedgerRow]:
    """Yield the rows that stay, of rows of one flow run at one destination."""
    newest: dict[str, LedgerRow] = {}
    for row in rows:
        other = newest.get(row.provider)
        if other is None or _rank(other) < _rank(row):
            newest[row.provider] = row
    without = newest.pop("", None)
    if without is not None and not any(row.at >= without.at for row in newest.values()):
        yield without
    yield from newest.values()


def _rank(row: LedgerRow) -> tuple[object, ...]:
    return row.at, _RANKS.get(row.sync_state, -1), row.values, row.outcome or ""
