"""The schema of a ledger, and the migration of ledgers of older versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

from mfwb.errors import UsageError

__all__ = [
    "IS_OPEN",
    "NEWEST_VERSION",
    "STEPS",
    "migrate",
    "read_schema",
    "read_transaction",
    "read_version",
    "schema_of",
    "write_transaction",
]

Schema = frozenset[tuple[str, str, str]]

IS_OPEN = "standing NOT IN ('synced', 'left out')"
"""`SyncState.is_open` in SQL, with the exact text of the index: else SQLite does not use it."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables, or migrate those of an older version.

    Each step is one transaction that also writes the new version. If the process is killed in
    between, the ledger keeps an older version. If two processes migrate at once, one of them finds
    the step done.

    Raises:
        UsageError: if a newer mfwb wrote the ledger; it is not changed.
    """
    while (version := read_version(connection)) < len(STEPS):
        with write_transaction(connection):
            if read_version(connection) == version:
                STEPS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
    if version > len(STEPS):
        raise UsageError(
            f"the ledger {path} was written by a newer mfwb (schema {version}, this one knows "
            f"{len(STEPS)}); upgrade mfwb"
        )


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Read one state of the ledger, whatever other processes write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


@contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write everything or nothing; no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some errors SQLite itself rolls back
            connection.execute("ROLLBACK")
        raise


def read_version(connection: sqlite3.Connection) -> int:
    """Return the version of the schema; 0: there are no tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Return the tables and indexes: kind, name, and the SQL that created it."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return frozenset((kind, name, " ".join(str(sql).split())) for kind, name, sql in rows)


@cache
def schema_of(version: int) -> Schema:
    """Return the schema that a version creates; of an unknown version, the newest schema."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in STEPS[:version]:
            step(connection)
        return read_schema(connection)


def _create_done(connection: sqlite3.Connection) -> None:
    # The table may exist: version 1 created it in one transaction and wrote its number in another.
    connection.execute(
        """
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
    )


def _create_flow_runs(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE ledger (id TEXT NOT NULL)")
    connection.execute("INSERT INTO ledger VALUES (?)", (str(uuid4()),))
    connection.execute(
        """
        CREATE TABLE flow_runs (
            id         INTEGER PRIMARY KEY,
            flow_run   TEXT NOT NULL,
            provider   TEXT NOT NULL,  -- empty: version 1 did not note it
            mode       TEXT NOT NULL,
            base       TEXT NOT NULL,  -- empty: the bundle that the ledger lies in
            entity     TEXT NOT NULL,  -- empty: none was known
            project    TEXT NOT NULL,
            standing   TEXT NOT NULL,
            state      TEXT NOT NULL DEFAULT '',
            started_at INTEGER NOT NULL DEFAULT 0,
            listed     TEXT NOT NULL DEFAULT '',
            asked      TEXT NOT NULL DEFAULT '',
            digest     TEXT NOT NULL DEFAULT '',
            reason     TEXT NOT NULL DEFAULT '',
            at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
            lost       INTEGER NOT NULL DEFAULT 0,
            UNIQUE (flow_run, provider, mode, base, entity, project)
        )
        """
    )
    # In a table of their own, since they are long: reading a thousand standings would be slow.
    connection.execute("CREATE TABLE outcomes (id INTEGER PRIMARY KEY, outcome TEXT NOT NULL)")
    connection.execute("CREATE INDEX by_start ON flow_runs (started_at)")
    connection.execute(f"CREATE INDEX open_ones ON flow_runs (standing) WHERE {IS_OPEN}")
    connection.create_function("count_losses", 1, _count_losses, deterministic=True)
    connection.execute(
        """
        INSERT INTO flow_runs
            (flow_run, provider, mode, base, entity, project, standing, digest, at, lost)
        SELECT flow_run, '', CASE base WHEN '' THEN 'offline' ELSE 'online' END, base, entity,
            project, 'synced', digest, at, count_losses(outcome)
        FROM done
        """
    )
    connection.execute(
        """
        INSERT INTO outcomes (id, outcome)
        SELECT id, outcome FROM flow_runs JOIN done USING (flow_run, base, entity, project)
        """
    )
    connection.execute("DROP TABLE done")


def _create_forgotten(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE forgotten (
            base      TEXT NOT NULL,
            entity    TEXT NOT NULL,
            project   TEXT NOT NULL,
            wandb_run TEXT NOT NULL,  -- its id; `mfwb forget` deleted it
            PRIMARY KEY (base, entity, project, wandb_run)
        ) WITHOUT ROWID
        """
    )


def _count_losses(outcome: str) -> int:
    """Return the number of losses in an outcome of version 1; 0 if it can't be read."""
    try:
        flow_run = json.loads(outcome)
        return sum(len(run["losses"]) for run in (flow_run, *flow_run["wandb_runs"]))
    except (ValueError, KeyError, TypeError):
        return 0


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create_done,
    _create_flow_runs,
    _create_forgotten,
)
"""The steps from each version to the next; a new file begins at version 0.

A step creates a new table and does not alter one: the SQL of a migrated ledger has to be equal to
that of a ledger that begins at version 0.
"""

NEWEST_VERSION = len(STEPS)
"""The version of a ledger after all steps."""
