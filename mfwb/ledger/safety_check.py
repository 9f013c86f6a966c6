"""Checks of a ledger before it is opened: the ledger in a bundle may come from a stranger.

SQLite trusts the files beside a database. If such a file is a link, SQLite writes through it. If a
journal names another journal, as in transactions over several databases, SQLite removes the file of
that name, whatever it is (SQLite 3.40, `pager_delsuper`). It also runs the triggers, views and
expressions in a database. mfwb needs none of these, so it does not open a ledger that has them.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from mfwb.errors import UsageError
from mfwb.ledger.schema import (
    NEWEST_VERSION,
    read_schema,
    read_transaction,
    read_version,
    schema_of,
)

__all__ = ["WrongTables", "check_files", "check_schema", "has_journal", "restrict_connection"]


class WrongTables(UsageError):  # noqa: N818 - named as its siblings are
    """The ledger has other tables than mfwb creates."""


_FILES = ("", "-journal", "-wal", "-shm")
_NAME_MARK = bytes.fromhex("d9d505f920a163d7")  # last bytes of a journal that names another one


def check_files(path: Path) -> None:
    """Make sure that SQLite will not touch any other file.

    Raises:
        UsageError: if one of the ledger's files is a link or not a regular file, or if its journal
            was not written by mfwb.
    """
    for end in _FILES:
        file = path.with_name(f"{path.name}{end}")
        try:
            mode = file.lstat().st_mode
        except OSError:  # it does not exist, or opening it raises the error
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # SQLite itself refuses a folder
            kind = "a link" if stat.S_ISLNK(mode) else "no file"
            raise _unsafe(path, f"{file.name} is {kind}")
    if _names_another(path.with_name(f"{path.name}-journal")):
        raise _unsafe(path, "its journal names another file")


def _names_another(journal: Path) -> bool:
    try:
        with journal.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_NAME_MARK)))
            return file.read() == _NAME_MARK
    except OSError:
        return False


def has_journal(path: Path) -> bool:
    """Whether a process is writing, or was killed while it wrote; SQLite undoes that later."""
    try:
        return path.with_name(f"{path.name}-journal").stat().st_size > 0
    except OSError:
        return False


def restrict_connection(connection: sqlite3.Connection) -> None:
    """Set SQLite to check what it reads, and to run no function that a schema names."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UsageError unless the schema is exactly that of some version of mfwb."""
    with read_transaction(connection):  # another process may be migrating it
        version, schema = read_version(connection), read_schema(connection)
    expected = {schema_of(version)}
    if (
        version == 0
    ):  # version 1 created its table in one transaction, and wrote its number after it
        expected.add(schema_of(1))
    if schema not in expected and version <= NEWEST_VERSION:
        raise WrongTables(
            f"the ledger {path} can't be used: its tables are not those that mfwb creates; move it "
            "away, or let `mfwb status --rebuild` move it away and rebuild it from W&B"
        )


def _unsafe(path: Path, why: str) -> UsageError:
    return UsageError(f"the ledger {path} can't be used: {why}; move it away")
