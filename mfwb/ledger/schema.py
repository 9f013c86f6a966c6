"""The tables of a ledger, and how older ones become what they are today."""

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
    "NEWEST",
    "bring_up_to_date",
    "reading",
    "schema_in",
    "schema_of",
    "transaction",
    "version_of",
]

Schema = frozenset[tuple[str, str, str]]

IS_OPEN = "standing NOT IN ('synced', 'left out')"
"""`SyncState.is_open` in SQL, letter by letter as in the index: else SQLite does not use that."""


def bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or those of an older mfwb what they are today.

    Each step is a transaction with the version that it leads to, so that who is killed in between
    leaves an older ledger, and of two processes that begin at once one finds the work done.

    Raises:
        UsageError: if a newer mfwb wrote the ledger; it is left as it is.
    """
    while (version := version_of(connection)) < len(_STEPS):
        with transaction(connection):
            if version_of(connection) == version:
                _STEPS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
    if version > len(_STEPS):
        raise UsageError(
            f"the ledger {path} was written by a newer mfwb (schema {version}, this one knows "
            f"{len(_STEPS)}); upgrade mfwb"
        )


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """See one state of the ledger meanwhile, whatever others write."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all that is done meanwhile, or nothing of it; nobody else writes in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """Return how far the tables have come; 0: there are none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def schema_in(connection: sqlite3.Connection) -> Schema:
    """Return what there is: kind, name, and the SQL that made it."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return frozenset((kind, name, " ".join(str(sql).split())) for kind, name, sql in rows)


@cache
def schema_of(version: int) -> Schema:
    """Return what a version makes, or the newest one of those that are known."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in _STEPS[:version]:
            step(connection)
        return schema_in(connection)


def _plans_that_were_carried_out(connection: sqlite3.Connection) -> None:
    # The table may be there: version 1 made it in one transaction and wrote its number in another.
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


def _standings(connection: sqlite3.Connection) -> None:
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
    # Apart, since they are long: who reads a thousand standings would wait for them.
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


def _count_losses(outcome: str) -> int:
    """Count what version 1 noted as lost; what can't be read is no reason to stop here."""
    try:
        told = json.loads(outcome)
        return sum(len(one["losses"]) for one in (told, *told["wandb_runs"]))
    except (ValueError, KeyError, TypeError):
        return 0


_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _plans_that_were_carried_out,
    _standings,
)
"""What leads from each version to the next; a new file begins at version 0.

A table is made anew, and not altered: a ledger is held to the SQL of one that begins at 0.
"""

NEWEST = len(_STEPS)
"""The version of a ledger that is up to date."""
