"""The ledger in SQLite: one row for each flow run at each destination."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from mfwb.errors import UsageError
from mfwb.files.private_files import create, file_mode_in, make_folder
from mfwb.ledger.locks import hold
from mfwb.ledger.recovery import errors_named
from mfwb.ledger.rows import (
    AT_A_DESTINATION,
    FACTS,
    at_a_destination,
    to_entry,
    to_row,
    with_outcome,
)
from mfwb.ledger.safety_check import check_files, check_schema, distrust
from mfwb.ledger.schema import IS_OPEN, bring_up_to_date, transaction
from mfwb.outcome import outcome_to_json
from mfwb.ports import Destination, Entry, Standing
from mfwb.snapshot import Loss
from mfwb.sync_status import Known

__all__ = ["SqliteLedger"]

_BUSY_SECONDS = 10.0
_FACTS = ", ".join(FACTS)
_AT_ONE_PLACE = f"flow_run = ? AND provider IN (?, '') AND {AT_A_DESTINATION}"
_FORMER = f"SELECT id FROM flow_runs WHERE {_AT_ONE_PLACE}"  # noqa: S608 - constants

# Two look-ups in indexes: for an OR, SQLite reads all rows instead.
_SINCE = (
    "id IN (SELECT id FROM flow_runs WHERE started_at >= ? "  # noqa: S608 - constants
    f"UNION SELECT id FROM flow_runs WHERE {IS_OPEN})"
)


class SqliteLedger:
    """Remembers by flow run and destination. Safe to use from several threads and processes."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._bundle = str(path.parent)
        self._one_at_a_time = threading.Lock()
        self._is_closed = False
        self.id: str = self._read_id()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[SqliteLedger]:
        """Yield the ledger at a path, made if there is none.

        Raises:
            UsageError: if the file can't be used, or a newer mfwb wrote it.
            LockHeld: if another process keeps it locked.
        """
        try:
            make_folder(path.parent)
            check_files(path)
            _make(path)
            connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the ledger {path} can't be opened: {error}") from None
        with closing(connection):
            with errors_named(path):
                distrust(connection)
                check_schema(connection, path)
                _make_safe(connection)
                bring_up_to_date(connection, path)
            ledger = cls(connection, path)
            try:
                yield ledger
            finally:
                ledger._close()

    def _close(self) -> None:
        """Let no more be asked or written, after what is being done now.

        When a call breaks off, threads of it still work; SQLite does not bear to be closed then.
        """
        with self._one_at_a_time:
            self._is_closed = True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the ledger to oneself; CancelledError if the call has ended."""
        with self._one_at_a_time:
            if self._is_closed:
                raise CancelledError
            with errors_named(self._path):
                yield

    def lock(
        self, destinations: Iterable[Destination], *, wait: float
    ) -> AbstractContextManager[None]:
        """Keep other syncs with this ledger away from some entities and projects meanwhile.

        Raises:
            LockHeld: if another one is at work there and is not done within `wait` seconds.
            UsageError: if there can be no locks beside the ledger.
        """
        return hold(self._path.parent / "locks", destinations, wait=wait)

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return what is known of one flow run at one destination, its outcome included.

        What an older mfwb wrote names no provider, and is found for each.
        """
        rows = self._select(
            f"SELECT {_FACTS}, outcome FROM flow_runs LEFT JOIN outcomes USING (id) "  # noqa: S608 - constants
            f"WHERE {_AT_ONE_PLACE} ORDER BY provider DESC LIMIT 1",
            (flow_run, provider, *at_a_destination(destination)),
        )
        for *facts, outcome in rows:
            return with_outcome(self._entry(facts), outcome)
        return None

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        since: int | None = None,
    ) -> list[Entry]:
        """Return what is known, oldest flow run first, without outcomes.

        Args:
            provider: only of flow runs that were read there, or of which that is not known.
            destination: only what went there.
            flow: only of this flow.
            since: only of flow runs that started then or later, in epoch ms, and open ones.
        """
        conditions: list[str] = []
        values: list[str | int] = []
        if provider is not None:
            conditions.append("provider IN (?, '')")
            values.append(provider)
        if destination is not None:
            conditions.append(AT_A_DESTINATION)
            values += at_a_destination(destination)
        if flow is not None:
            conditions.append("flow_run >= ? AND flow_run < ?")
            values += _bounds(flow)
        if since is not None:
            conditions.append(_SINCE)
            values.append(since)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._select(
            f"SELECT {_FACTS} FROM flow_runs {where} ORDER BY started_at, flow_run",  # noqa: S608 - constants
            values,
        )
        return [self._entry(row) for row in rows]

    def stamps(self, *, provider: str, destination: Destination, flow: str) -> dict[str, str]:
        """Return what the listing said of each run of a flow that was synced, by pathspec.

        Of one that was only found in W&B, as by a rebuilt ledger, it is not known.
        """
        rows = self._select(
            "SELECT flow_run, listed FROM flow_runs WHERE standing = ? AND digest != '' "  # noqa: S608 - constants
            f"AND provider IN (?, '') AND {AT_A_DESTINATION} AND flow_run >= ? AND flow_run < ?",
            (Standing.SYNCED.value, provider, *at_a_destination(destination), *_bounds(flow)),
        )
        return dict(rows)

    def known(self) -> list[Known]:
        """Return all entries without outcomes, by flow run, with how much was lost of each."""
        rows = self._select(f"SELECT {_FACTS} FROM flow_runs ORDER BY flow_run")  # noqa: S608 - a constant
        return [Known(self._entry(row), lost=row[-1]) for row in rows]

    def losses(self, entries: Iterable[Entry]) -> Iterator[Loss]:
        """Yield what did not reach W&B of some flow runs, as their outcomes tell."""
        for one in entries:
            found = self.entry(one.flow_run, one.provider, one.destination)
            if found and found.outcome:
                yield from found.outcome.all_losses

    def write(self, entry: Entry) -> None:
        """Put an entry in the place of what was known of its flow run at its destination."""
        row = to_row(entry)
        marks = ", ".join("?" * len(row))
        outcome = outcome_to_json(entry.outcome) if entry.outcome else None
        former = entry.flow_run, entry.provider, *at_a_destination(entry.destination)
        with self._turn(), transaction(self._connection):
            for table in ("outcomes", "flow_runs"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE id IN ({_FORMER})",  # noqa: S608 - constants
                    former,
                )
            made = self._connection.execute(
                f"INSERT INTO flow_runs ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - column names
                tuple(row.values()),
            )
            if outcome is not None:
                self._connection.execute(
                    "INSERT INTO outcomes (id, outcome) VALUES (?, ?)", (made.lastrowid, outcome)
                )

    def _read_id(self) -> str:
        with errors_named(self._path):
            [(found,), *_] = self._select("SELECT id FROM ledger") or [(None,)]
            if not isinstance(found, str):
                raise sqlite3.DatabaseError("it has no id")
            return found

    def _entry(self, row: Sequence[Any]) -> Entry:
        with errors_named(self._path):
            return to_entry(row, self._bundle)

    def _select(self, query: str, values: Iterable[str | int] = ()) -> list[tuple[Any, ...]]:
        with self._turn():
            return self._connection.execute(query, tuple(values)).fetchall()


def _make(path: Path) -> None:
    """Make an empty file if there is none, with the rights that SQLite then gives its journals."""
    with suppress(FileExistsError):
        create(path, file_mode_in(path.parent)).close()


def _make_safe(connection: sqlite3.Connection) -> None:
    """Have each write on the disk before it counts as done, and undone if it was cut short.

    A journal that is deleted needs no memory that processes share, as a write-ahead log does, so
    it works on network file systems, too. A write takes some milliseconds, and a flow run is
    written a few times, so that the faster log would gain nothing.
    """
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")


def _bounds(flow: str) -> tuple[str, str]:
    """Return between what the pathspecs of a flow's runs lie."""
    return f"{flow}/", f"{flow}0"  # 0 is what comes after the slash
