"""Ledgers that can't be used: what is said of them, and how a damaged one is put aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from mfwb.errors import LedgerDamaged, LockHeld, Stop, UsageError
from mfwb.ledger.safety_check import WrongTables, check_files, check_schema, distrust

__all__ = ["errors_named", "put_aside_if_damaged"]


_NO_ROOM = ("disk is full", "disk I/O error")
"""SQLite's words; Python 3.10 does not give its codes."""


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, which name the file.

    Raises:
        LedgerDamaged: if the file is no database, or one that contradicts itself.
        LockHeld: if another process keeps it locked.
        Stop: if the machine lacks room for it.
        UsageError: if it can't be used for another reason, as without the right to write there.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LockHeld(f"another process keeps the ledger {path} locked") from None
        if any(words in str(error) for words in _NO_ROOM):
            raise Stop(f"the ledger {path} can't be written: {error}") from None
        raise UsageError(f"the ledger {path} can't be used: {error}") from None
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # the others are wrong use of SQLite, which is a bug
        raise LedgerDamaged(path, str(error)) from None


def put_aside_if_damaged(path: Path) -> Path | None:
    """Rename a ledger that is damaged and return what it is called now; None if it is not.

    One with other tables than mfwb makes counts as damaged: nothing of it is opened then.

    Raises:
        LockHeld, UsageError: if it can't be told.
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
    with errors_named(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        distrust(connection)
        check_schema(connection, path)
        [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
    journal = path.with_name(f"{path.name}-journal")
    # The journal goes first: left beside a new ledger, SQLite would play it back into that.
    if journal.exists():
        journal.rename(aside.with_name(f"{aside.name}-journal"))
    path.rename(aside)
    return aside
