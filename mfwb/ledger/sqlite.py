"""The ledger in SQLite. A row says: this plan was carried out whole, with this outcome."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mfwb.errors import LockHeld, UsageError
from mfwb.outcome import FlowRunOutcome, outcome_from_json, outcome_to_json
from mfwb.planning import Plan
from mfwb.ports import Destination

__all__ = ["SqliteLedger"]

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS done (
    flow_run TEXT NOT NULL,
    base     TEXT NOT NULL,
    entity   TEXT NOT NULL,
    project  TEXT NOT NULL,
    digest   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (flow_run, base, entity, project)
) WITHOUT ROWID
"""
_KEY = "flow_run = ? AND base = ? AND entity = ? AND project = ?"
_BUSY_SECONDS = 10.0


class SqliteLedger:
    """Remembers outcomes by flow run and destination. Safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[SqliteLedger]:
        """Yield the ledger at a path, made if there is none.

        Raises:
            UsageError: if the file can't be used, or a newer mfwb wrote it.
            LockHeld: if another process keeps it locked.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the ledger {path} can't be opened: {error}") from None
        with closing(connection):
            _prepare(connection, path)
            yield cls(connection, path)

    def outcome(self, destination: Destination, plan: Plan) -> FlowRunOutcome | None:
        """Return the outcome of this very plan at this destination, or None if it is not done.

        A row that this version can't read counts as not done: W&B itself knows better.
        """
        with self._lock, _named(self._path):
            row = self._connection.execute(
                f"SELECT digest, outcome FROM done WHERE {_KEY}",  # noqa: S608 - a constant
                _key(destination, plan),
            ).fetchone()
        if row is None or row[0] != plan.digest:
            return None
        with suppress(ValueError):
            return outcome_from_json(row[1])
        return None

    def forget(self, destination: Destination, plan: Plan) -> None:
        """Drop what is known of a flow run, before it is written again."""
        with self._lock, _named(self._path), self._connection:
            self._connection.execute(
                f"DELETE FROM done WHERE {_KEY}",  # noqa: S608 - a constant
                _key(destination, plan),
            )

    def record(self, destination: Destination, plan: Plan, outcome: FlowRunOutcome) -> None:
        """Remember that a plan was carried out."""
        with self._lock, _named(self._path), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO done (flow_run, base, entity, project, digest, outcome) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*_key(destination, plan), plan.digest, outcome_to_json(outcome)),
            )

    def outcomes(self) -> Iterator[FlowRunOutcome]:
        """Yield all that was recorded, by flow run."""
        with self._lock, _named(self._path):
            rows = self._connection.execute("SELECT outcome FROM done ORDER BY flow_run").fetchall()
        yield from (outcome_from_json(row[0]) for row in rows)


def _key(destination: Destination, plan: Plan) -> tuple[str, str, str, str]:
    # A bundle may be moved together with its ledger, so its path is not part of what is known.
    base = "" if destination.mode == "offline" else destination.base
    return plan.flow_run, base, destination.entity or "", plan.project


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with _named(path), connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            raise UsageError(
                f"the ledger {path} was written by a newer mfwb (schema {version}, this one knows "
                f"{_VERSION}); upgrade mfwb"
            )
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, which name the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LockHeld(f"another process keeps the ledger {path} locked") from None
        raise UsageError(f"the ledger {path} can't be used: {error}") from None
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path} is no ledger of mfwb: {error}; move it away") from None
