"""Examination of a ledger for `mfwb doctor`: it is only read, and locks are only looked at."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mfwb.errors import UsageError
from mfwb.ledger.recovery import translate_errors
from mfwb.ledger.safety_check import (
    check_files,
    check_schema,
    has_journal,
    restrict_connection,
)
from mfwb.ledger.schema import NEWEST_VERSION, read_version

__all__ = ["LedgerState", "examine_ledger"]


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger that can be used.

    Attributes:
        entries: the number of its entries; None if it can't be read without finishing a write.
        held_locks: names of the locks that a sync holds: of entities and projects.
    """

    entries: int | None
    held_locks: tuple[str, ...]


def examine_ledger(path: Path) -> LedgerState | None:
    """Return the state of a ledger; None if there is none.

    Raises:
        UsageError: it can't be used; LedgerDamaged if it is not a sound database.
        LockHeld: another process keeps the file locked.
    """
    if not path.exists() and not path.is_symlink():
        return None
    check_files(path)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise UsageError(f"the ledger {path} can't be written by this user")
    locks = tuple(_held_locks(path.parent / "locks"))
    if has_journal(path):
        return LedgerState(None, locks)
    # "ro", so that SQLite writes nothing; then it can't read beside a journal.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        translate_errors(path),
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection,
    ):
        restrict_connection(connection)
        check_schema(connection, path)
        if read_version(connection) > NEWEST_VERSION:
            raise UsageError(f"the ledger {path} was written by a newer mfwb; upgrade mfwb")
        [result] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise sqlite3.DatabaseError(result)
        [entries] = connection.execute("SELECT count(*) FROM flow_runs").fetchone()
    return LedgerState(entries, locks)


def _held_locks(folder: Path) -> Iterator[str]:
    """Yield the names of held locks.

    Only a lock whose owner described itself is tried, and for a moment only: another sync must not
    find it taken because of this.
    """
    for owner in sorted(folder.glob("*.json")):
        with suppress(OSError):
            descriptor = os.open(owner.with_suffix(".lock"), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield owner.stem.rpartition("-")[0]
            finally:
                os.close(descriptor)
