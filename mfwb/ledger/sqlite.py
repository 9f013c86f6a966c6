"""The ledger in SQLite: one row for each flow run at each destination."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mfwb.errors import UsageError
from mfwb.files.private_files import create, file_mode_in, make_folder
from mfwb.ledger.locks import hold_locks
from mfwb.ledger.recovery import translate_errors
from mfwb.ledger.rows import (
    DESTINATION_MATCHES,
    ENTRY_COLUMNS,
    LedgerRow,
    destination_values,
    to_entry,
    to_recorded,
    to_row,
    with_outcome,
)
from mfwb.ledger.safety_check import (
    check_files,
    check_schema,
    has_journal,
    restrict_connection,
)
from mfwb.ledger.schema import (
    IS_OPEN,
    NEWEST_VERSION,
    migrate,
    read_version,
    write_transaction,
)
from mfwb.ledger.status_rows import (
    COUNTS,
    LIST_ORDER,
    LOST_ITEMS,
    StatusFilter,
    to_count,
    to_lost_items,
    where,
)
from mfwb.operations import note_operation
from mfwb.outcome import FlowRunOutcome
from mfwb.ports import Destination, Entry, SyncState
from mfwb.recorded_outcome import to_ledger
from mfwb.sync_status import KnownFlowRun, LostItem, StateCount

__all__ = ["SqliteLedger"]

_BUSY_SECONDS = 10.0
_COLUMNS = ", ".join(ENTRY_COLUMNS)
_ENTRY_MATCHES = f"flow_run = ? AND provider IN (?, '') AND {DESTINATION_MATCHES}"
_THIS_ENTRY = f"flow_run = ? AND provider = ? AND {DESTINATION_MATCHES}"

_ANY_PROVIDER = f"flow_run = ? AND {DESTINATION_MATCHES}"
_SELECT_ANY_PROVIDER = (
    f"SELECT {_COLUMNS}, outcome FROM flow_runs LEFT JOIN outcomes USING (id) "  # noqa: S608 - constants
    f"WHERE {_ANY_PROVIDER} ORDER BY provider"
)

_NEXT_ROWS = (
    f"SELECT id, {_COLUMNS}, outcome FROM flow_runs LEFT JOIN outcomes USING (id) "  # noqa: S608 - constants
    "WHERE id > ? ORDER BY id LIMIT ?"
)
_ROWS_AT_ONCE = 200  # an outcome may have a hundred kilobytes

# A search in an index: without it, SQLite reads all rows of a flow.
_OPEN_MATCHES = f"id IN (SELECT id FROM flow_runs WHERE {IS_OPEN})"  # noqa: S608 - constants


class SqliteLedger:
    """The entries by flow run and destination. Safe to use from several threads and processes."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._bundle = str(path.parent)
        self._connection_lock = threading.Lock()
        self._is_closed = False
        self.id: str = self._read_id()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[SqliteLedger]:
        """Yield the ledger at a path; it is created if there is none.

        Raises:
            UsageError: if the file can't be used, or a newer mfwb wrote it.
            LockHeld: if another process keeps it locked.
        """
        note_operation("ledger", f"open {path}")
        try:
            make_folder(path.parent)
            check_files(path)
            _create_file(path)
            connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the ledger {path} can't be opened: {error}") from None
        with closing(connection):
            with translate_errors(path):
                restrict_connection(connection)
                check_schema(connection, path)
                _set_durable(connection)
                migrate(connection, path)
            ledger = cls(connection, path)
            try:
                yield ledger
            finally:
                ledger._close()

    @classmethod
    @contextmanager
    def open_read_only(cls, path: Path) -> Iterator[SqliteLedger]:
        """Yield the ledger at a path, of which nothing is changed, and which is not created.

        Without a ledger it is empty. One of an older mfwb is copied into memory. Errors as of
        `open`.
        """
        note_operation("ledger", f"read {path}")
        check_files(path)
        with ExitStack() as stack, translate_errors(path):
            connection = stack.enter_context(_open_to_read(path, stack))
            ledger = cls(connection, path)
            try:
                yield ledger
            finally:
                ledger._close()

    def _close(self) -> None:
        """Wait for the query that is running, and refuse all later ones.

        When a call is interrupted, its threads still work. SQLite must not be closed while it is
        used.
        """
        with self._connection_lock:
            self._is_closed = True

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Use the connection alone; CancelledError if the ledger was closed."""
        with self._connection_lock:
            if self._is_closed:
                raise CancelledError
            with translate_errors(self._path):
                yield

    def lock(
        self, destinations: Iterable[Destination], *, wait: float
    ) -> AbstractContextManager[None]:
        """Return a context that holds the locks of some entities and projects in this ledger.

        Raises:
            LockHeld: if another sync holds a lock and does not release it within `wait` seconds.
            UsageError: if the lock files beside the ledger can't be used.
        """
        return hold_locks(self._path.parent / "locks", destinations, wait=wait)

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return the entry of one flow run at one destination, with its outcome.

        An entry of an older mfwb has no provider; it matches any provider.
        """
        rows = self._select(
            f"SELECT {_COLUMNS}, outcome FROM flow_runs LEFT JOIN outcomes USING (id) "  # noqa: S608 - constants
            f"WHERE {_ENTRY_MATCHES} ORDER BY provider DESC LIMIT 1",
            (flow_run, provider, *destination_values(destination)),
        )
        for *columns, outcome in rows:
            return with_outcome(self._entry(columns), outcome)
        return None

    def entries_of(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, Entry]:
        """Return the entries of flow runs at one destination, by pathspec; one query.

        Their outcomes are what a call shows that finds them unchanged: None if there is none, or if
        this version can't read it. An entry of an older mfwb has no provider, and matches any one.
        """
        rows = self._select(
            f"SELECT {_COLUMNS}, outcome FROM flow_runs LEFT JOIN outcomes USING (id) "  # noqa: S608 - constants
            f"WHERE {_in(flow_runs)} AND provider IN (?, '') AND {DESTINATION_MATCHES} "
            "ORDER BY provider",
            (*flow_runs, provider, *destination_values(destination)),
        )
        is_own = destination.mode == "online"  # a bundle may come from a stranger
        entries = {}
        for *columns, outcome in rows:
            entry = self._entry(columns, to_recorded(outcome, is_own=is_own))
            entries[entry.flow_run] = entry
        return entries

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        sync_state: SyncState | None = None,
        is_open: bool = False,
    ) -> list[Entry]:
        """Return the entries without outcomes, oldest flow run first.

        Args:
            provider: select only flow runs of this provider, or of an unknown one.
            destination: select only flow runs that were sent there.
            flow: select only runs of this flow.
            sync_state: select only flow runs in this sync state.
            is_open: select only flow runs that the next sync has to process.
        """
        conditions: list[str] = []
        values: list[str | int] = []
        if provider is not None:
            conditions.append("provider IN (?, '')")
            values.append(provider)
        if destination is not None:
            conditions.append(DESTINATION_MATCHES)
            values += destination_values(destination)
        if flow is not None:
            conditions.append("flow_run >= ? AND flow_run < ?")
            values += _pathspec_range(flow)
        if sync_state is not None:
            conditions.append("standing = ?")
            values.append(sync_state.value)
        if is_open:
            conditions.append(_OPEN_MATCHES)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._select(
            f"SELECT {_COLUMNS} FROM flow_runs {where} ORDER BY started_at, flow_run",  # noqa: S608 - constants
            values,
        )
        return [self._entry(row) for row in rows]

    def stamps(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, str]:
        """Return the listing's stamps of those flow runs that were synced, by pathspec.

        A run that was only read back from W&B, as in a rebuilt ledger, has no stamp.
        """
        rows = self._select(
            f"SELECT flow_run, listed FROM flow_runs WHERE {_in(flow_runs)} AND standing = ? "  # noqa: S608 - constants
            f"AND digest != '' AND provider IN (?, '') AND {DESTINATION_MATCHES} ORDER BY provider",
            (
                *flow_runs,
                SyncState.SYNCED.value,
                provider,
                *destination_values(destination),
            ),
        )
        return dict(rows)

    def known(self, flow: str | None = None) -> list[KnownFlowRun]:
        """Return entries without outcomes, sorted by flow run, with their numbers of losses.

        Args:
            flow: select only runs of this flow; None: all.
        """
        where = "" if flow is None else "WHERE flow_run >= ? AND flow_run < ? "
        rows = self._select(
            f"SELECT {_COLUMNS} FROM flow_runs {where}ORDER BY flow_run",  # noqa: S608 - constants
            () if flow is None else _pathspec_range(flow),
        )
        return [KnownFlowRun(self._entry(row), lost=row[-1]) for row in rows]

    def counts(self, selected: StatusFilter) -> list[StateCount]:
        """Return the numbers of flow runs by flow, destination and sync state."""
        condition, values = where(selected)
        rows = self._select(COUNTS.format(where=condition), values)
        with translate_errors(self._path):
            return [to_count(row, self._bundle) for row in rows]

    def list_known(
        self,
        selected: StatusFilter,
        *,
        failed: bool = False,
        lossy: bool = False,
        is_open: bool = False,
        limit: int | None = None,
    ) -> list[KnownFlowRun]:
        """Return entries without outcomes: failed ones first, then open ones, then the last syncs.

        Args:
            selected: the flow runs.
            failed: only those that could not be synced.
            lossy: only those with losses.
            is_open: only those that the next sync checks.
            limit: at most so many; None: all.
        """
        condition, values = where(selected, failed=failed, lossy=lossy, is_open=is_open)
        rows = self._select(
            f"SELECT {_COLUMNS} FROM flow_runs {condition} {LIST_ORDER} LIMIT ?",  # noqa: S608 - constants
            [*values, -1 if limit is None else limit],
        )
        return [KnownFlowRun(self._entry(row), lost=row[-1]) for row in rows]

    def count_known(self, selected: StatusFilter, *, failed: bool, lossy: bool) -> int:
        """Return how many entries `list_known` returns without a limit."""
        condition, values = where(selected, failed=failed, lossy=lossy)
        [(number,)] = self._select(f"SELECT count(*) FROM flow_runs {condition}", values)  # noqa: S608 - constants
        return int(number)

    def losses(self, selected: StatusFilter) -> Iterator[LostItem]:
        """Yield the losses in the outcomes of some flow runs, sorted by flow run."""
        condition, values = where(selected)
        for row in self._select(LOST_ITEMS.format(where=condition), values):
            yield from to_lost_items(row, self._bundle)

    def write(self, entry: Entry) -> None:
        """Write an entry; it replaces the previous entry of its flow run at its destination."""
        row = to_row(entry)
        placeholders = ", ".join("?" * len(row))
        outcome = to_ledger(entry.outcome) if entry.outcome else None
        key = entry.flow_run, entry.provider, *destination_values(entry.destination)
        note_operation("ledger", f"write {entry.flow_run} as {entry.sync_state.value}")
        with self._exclusive(), write_transaction(self._connection):
            self._delete(_ENTRY_MATCHES, key)
            inserted = self._connection.execute(
                f"INSERT INTO flow_runs ({', '.join(row)}) VALUES ({placeholders})",  # noqa: S608 - column names
                tuple(row.values()),
            )
            if outcome is not None:
                self._connection.execute(
                    "INSERT INTO outcomes (id, outcome) VALUES (?, ?)",
                    (inserted.lastrowid, outcome),
                )

    def remove(self, entries: Iterable[Entry]) -> None:
        """Remove entries, all of them or none; what is not there any more does not matter."""
        with self._exclusive(), write_transaction(self._connection):
            for entry in entries:
                note_operation("ledger", f"remove {entry.flow_run}")
                self._delete(_THIS_ENTRY, _exact_key(entry))

    def begin_deletion(self, entry: Entry, wandb_runs: Iterable[str]) -> None:
        """Write that W&B runs of a flow run are about to be deleted, because the user asked for it.

        From now on the entry is open. If the deletion is interrupted, the next sync writes these
        W&B runs anew, and the next deletion goes on with the others.
        """
        note_operation("ledger", f"write that W&B runs of {entry.flow_run} are deleted")
        _, base, entity, project = destination_values(entry.destination)
        with self._exclusive(), write_transaction(self._connection):
            self._connection.execute(
                f"UPDATE flow_runs SET standing = ?, digest = '', reason = ? WHERE {_THIS_ENTRY}",  # noqa: S608 - constants
                (SyncState.BEGUN.value, "its deletion was interrupted", *_exact_key(entry)),
            )
            self._connection.executemany(
                "INSERT OR IGNORE INTO forgotten VALUES (?, ?, ?, ?)",
                [(base, entity, project, wandb_run) for wandb_run in wandb_runs],
            )

    def forgotten(self, destination: Destination) -> frozenset[str]:
        """Return the ids of the W&B runs at a destination that `begin_deletion` was called with."""
        _, base, entity, project = destination_values(destination)
        rows = self._select(
            "SELECT wandb_run FROM forgotten WHERE base = ? AND entity = ? AND project = ?",
            (base, entity, project),
        )
        return frozenset(str(wandb_run) for (wandb_run,) in rows)

    def rows(self) -> Iterator[LedgerRow]:
        """Yield all rows as they are stored; LedgerDamaged for one that mfwb did not write."""
        last = -1
        while batch := self._select(_NEXT_ROWS, (last, _ROWS_AT_ONCE)):
            for _, *values, outcome in batch:
                with translate_errors(self._path):
                    yield LedgerRow(tuple(values), outcome)
            last = batch[-1][0]

    def all_forgotten(self) -> list[tuple[str, ...]]:
        """Return the base, entity, project and id of each W&B run that a user had deleted."""
        return self._select("SELECT base, entity, project, wandb_run FROM forgotten")

    def merge(
        self,
        rows: Iterable[LedgerRow],
        forgotten: Iterable[tuple[str, ...]],
        choose: Callable[[Iterable[LedgerRow]], Iterable[LedgerRow]],
    ) -> None:
        """Merge rows of another ledger into this one, some hundreds at once: they may be many.

        Args:
            rows: of the other ledger.
            forgotten: the W&B runs that a user had deleted by the other ledger.
            choose: takes the rows of one flow run at one destination, returns those that stay.
        """
        note_operation("ledger", "merge another ledger")
        rest = iter(rows)
        while batch := list(islice(rest, _ROWS_AT_ONCE)):
            with self._exclusive(), write_transaction(self._connection):
                for row in batch:
                    self._merge_row(row, choose)
        with self._exclusive(), write_transaction(self._connection):
            self._connection.executemany(
                "INSERT OR IGNORE INTO forgotten VALUES (?, ?, ?, ?)", forgotten
            )

    def _merge_row(
        self, row: LedgerRow, choose: Callable[[Iterable[LedgerRow]], Iterable[LedgerRow]]
    ) -> None:
        own = self._connection.execute(_SELECT_ANY_PROVIDER, row.key).fetchall()
        before = [LedgerRow(tuple(values), outcome) for *values, outcome in own]
        after = list(choose([*before, row]))
        if sorted(after, key=repr) != sorted(before, key=repr):
            self._delete(_ANY_PROVIDER, row.key)
            for kept in after:
                self._insert(kept)

    def _insert(self, row: LedgerRow) -> None:
        inserted = self._connection.execute(
            f"INSERT INTO flow_runs ({_COLUMNS}) VALUES ({', '.join('?' * len(row.values))})",  # noqa: S608 - constants
            row.values,
        )
        if row.outcome is not None:
            self._connection.execute(
                "INSERT INTO outcomes (id, outcome) VALUES (?, ?)",
                (inserted.lastrowid, row.outcome),
            )

    def _delete(self, condition: str, values: Sequence[str]) -> None:
        """Delete the entries that meet a condition, with their outcomes."""
        for table in ("outcomes", "flow_runs"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM flow_runs WHERE {condition})",  # noqa: S608 - constants
                values,
            )

    def _read_id(self) -> str:
        with translate_errors(self._path):
            [(ledger_id,), *_] = self._select("SELECT id FROM ledger") or [(None,)]
            if not isinstance(ledger_id, str):
                raise sqlite3.DatabaseError("it has no id")
            return ledger_id

    def _entry(self, row: Sequence[Any], outcome: FlowRunOutcome | None = None) -> Entry:
        with translate_errors(self._path):
            return to_entry(row, self._bundle, outcome)

    def _select(self, query: str, values: Iterable[str | int] = ()) -> list[tuple[Any, ...]]:
        with self._exclusive():
            return self._connection.execute(query, tuple(values)).fetchall()


def _exact_key(entry: Entry) -> tuple[str, ...]:
    """Return the values for `_THIS_ENTRY`."""
    return entry.flow_run, entry.provider, *destination_values(entry.destination)


def _create_file(path: Path) -> None:
    """Create an empty file if there is none; SQLite gives its journals the same rights."""
    with suppress(FileExistsError):
        create(path, file_mode_in(path.parent)).close()


def _open_to_read(path: Path, stack: ExitStack) -> closing[sqlite3.Connection]:
    """Return a connection that can't change the file; UsageError, LockHeld."""
    if not path.exists():
        return closing(_migrated_copy(None, path))
    if not has_journal(path):
        file = path
    else:  # SQLite can only read it by undoing a write that was interrupted
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for end in ("", "-journal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{end}", folder / f"{path.name}{end}")
        file = folder / path.name
    connection = _connect(f"{file.absolute().as_uri()}?mode={'ro' if file == path else 'rw'}")
    try:
        restrict_connection(connection)
        check_schema(connection, path)
        if read_version(connection) == NEWEST_VERSION:
            return closing(connection)
        older = connection
        connection = _migrated_copy(older, path)
        older.close()
        return closing(connection)
    except BaseException:
        connection.close()
        raise


def _migrated_copy(older: sqlite3.Connection | None, path: Path) -> sqlite3.Connection:
    """Return a ledger in memory, with the entries of one of an older mfwb."""
    memory = _connect(":memory:")
    try:
        if older is not None:
            older.backup(memory)
        migrate(memory, path)
    except BaseException:
        memory.close()
        raise
    return memory


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _set_durable(connection: sqlite3.Connection) -> None:
    """Set SQLite to sync each write to the disk before it ends, and to undo incomplete writes.

    A rollback journal (DELETE) works on network file systems, too: it needs no memory that
    processes share, as a write-ahead log does. A write takes some milliseconds, and a flow run is
    written a few times, so that the faster write-ahead log would gain nothing.
    """
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")


def _in(flow_runs: Collection[str]) -> str:
    """Return the condition for some flow runs, of which the values are the pathspecs."""
    return f"flow_run IN ({', '.join('?' * len(flow_runs))})"


def _pathspec_range(flow: str) -> tuple[str, str]:
    """Return the range of the pathspecs of a flow's runs: its start, and its end, excluded."""
    return f"{flow}/", f"{flow}0"  # 0 is the character after the slash
