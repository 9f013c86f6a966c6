"""Ledgers that can't be used: errors that name the file, and moving a damaged ledger away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from mfwb.errors import LedgerDamaged, LockHeld, Stop, UsageError
from mfwb.ledger.safety_check import WrongTables, check_files, check_schema, restrict_connection

__all__ = ["put_aside_if_damaged", "translate_errors"]

_NO_ROOM = ("disk is full", "disk I/O error")
"""Texts of SQLite's messages; Python 3.10 does not give its error codes."""


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Replace SQLite's errors by errors of mfwb that name the file.

    Raises:
        LedgerDamaged: if the file is not a database, or an inconsistent one.
        LockHeld: if another process keeps it locked.
        Stop: if there is no room for it on the machine.
        UsageError: if it can't be used for another reason, as missing rights to write.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LockHeld(f"another process keeps the ledger {path} locked") from None
        if any(text in str(error) for text in _NO_ROOM):
            raise Stop(f"the ledger {path} can't be written: {error}") from None
        raise UsageError(f"the ledger {path} can't be used: {error}") from None
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # its subclasses mean wrong use of SQLite, which is a bug
        raise LedgerDamaged(path, str(error)) from None


def put_aside_if_damaged(path: Path) -> Path | None:
    """Rename a damaged ledger and return its new path; None if it is not damaged.

    A ledger with other tables than mfwb creates counts as damaged: it is never opened.

    Raises:
        LockHeld, UsageError: if the ledger can't be checked.
    """
    if not path.is_file():
        return None
    try:
        _check(path)
    except (LedgerDamaged, WrongTables):
        return _put_aside(path)
    return None


def _check(path: Path) -> None:
    check_files(path)
    with translate_errors(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        restrict_connection(connection)
        check_schema(connection, path)
        [result] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise sqlite3.DatabaseError(result)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
    journal = path.with_name(f"{path.name}-journal")
    # The journal is renamed first: left beside a new ledger, SQLite would apply it to that ledger.
    if journal.exists():
        journal.rename(aside.with_name(f"{aside.name}-journal"))
    path.rename(aside)
    return aside
