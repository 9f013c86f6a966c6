"""What is looked at before a ledger is opened: the one in a bundle comes from whoever made that.

SQLite trusts the files beside a database. It writes through links in their place; and of a journal
that names another one, as those of transactions over several databases do, it removes the file of
that name, whatever that is (SQLite 3.40, `pager_delsuper`). In a database it runs triggers, views
and expressions of others. mfwb needs none of that, so a ledger that has it is not opened.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from mfwb.errors import UsageError
from mfwb.ledger.schema import NEWEST, reading, schema_in, schema_of, version_of

__all__ = ["WrongTables", "check_files", "check_schema", "distrust"]


class WrongTables(UsageError):  # noqa: N818 - named as its siblings are
    """What is in the ledger is not what mfwb makes."""


_FILES = ("", "-journal", "-wal", "-shm")
_END_OF_A_NAME = bytes.fromhex("d9d505f920a163d7")  # the last bytes of a journal that has a name


def check_files(path: Path) -> None:
    """Make sure that SQLite will touch no other file.

    Raises:
        UsageError: there is a link, or no file, where one of the ledger should be, or the journal
            is none of ours.
    """
    for end in _FILES:
        file = path.with_name(f"{path.name}{end}")
        try:
            mode = file.lstat().st_mode
        except OSError:  # it is not there, or opening it will say what is wrong
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder, SQLite says so itself
            what = "a link" if stat.S_ISLNK(mode) else "no file"
            raise _refusal(path, f"{file.name} is {what}")
    if _names_another(path.with_name(f"{path.name}-journal")):
        raise _refusal(path, "its journal names another file")


def _names_another(journal: Path) -> bool:
    try:
        with journal.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_END_OF_A_NAME)))
            return file.read() == _END_OF_A_NAME
    except OSError:
        return False


def distrust(connection: sqlite3.Connection) -> None:
    """Have SQLite check what it reads, and run no function that a schema names."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make sure that there is what some version of mfwb makes, and nothing else; UsageError."""
    with reading(connection):  # another process may just be bringing it up to date
        version, found = version_of(connection), schema_in(connection)
    known = {schema_of(version)}
    if version == 0:  # version 1 made its table in one transaction, and wrote its number in another
        known.add(schema_of(1))
    if found not in known and version <= NEWEST:
        raise WrongTables(
            f"the ledger {path} can't be used: its tables are not those that mfwb makes; move it "
            "away, or have `mfwb status --rebuild` do that and make it anew of what W&B has"
        )


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(f"the ledger {path} can't be used: {why}; move it away")
