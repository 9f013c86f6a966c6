"""What a ledger has of flow runs; if there is no ledger, none is created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ledger.status_rows import StatusFilter
from mfwb.ports import Entry
from mfwb.snapshot.pathspec import Pathspec, flow_of
from mfwb.sync_status import KnownFlowRun, SyncStatus, add_up, by_urgency

__all__ = ["find_entries", "known_flow_runs", "read_entries", "read_sync_status"]


@contextmanager
def known_flow_runs(path: Path) -> Iterator[Callable[[str], list[KnownFlowRun]]]:
    """Yield a function that takes a flow, and returns its runs in a ledger, without outcomes.

    Raises:
        UsageError: if the file can't be used, or a newer mfwb wrote it.
        LockHeld: if another process keeps it locked.
    """
    if path.exists():
        with SqliteLedger.open(path) as ledger:
            yield ledger.known
    else:
        yield lambda _: []


def find_entries(path: Path, pathspec: Pathspec) -> list[Entry]:
    """Return the entries of a flow run at all destinations, with their outcomes, newest first.

    Of a flow: those of all its runs, without outcomes. Errors are those of `known_flow_runs`.
    """
    if not path.exists():
        return []
    with SqliteLedger.open(path) as ledger:
        entries = [known.entry for known in ledger.known(pathspec.flow)]
        if pathspec.run is not None:
            entries = [
                stored
                for entry in entries
                if entry.flow_run == str(pathspec)
                and (stored := ledger.entry(entry.flow_run, entry.provider, entry.destination))
            ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


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
        flows = add_up(ledger.counts(selected))
        return SyncStatus(
            ledger=str(path),
            flows=flows,
            open=by_urgency(known.entry for known in ledger.list_known(selected, is_open=True)),
            lost=tuple(ledger.losses(selected)),
            flow_runs=tuple(listed),
            more=total - len(listed),
            has_others=not flows and bool(ledger.list_known(StatusFilter(), limit=1)),
        )


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
