"""A ledger is examined without a write, whatever state it is in."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mfwb.errors import LedgerDamaged, UsageError
from mfwb.ledger import SqliteLedger
from mfwb.ledger.examine import LedgerState, examine_ledger
from mfwb.ledger.locks import hold_locks
from mfwb.ports import Destination

_KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = DELETE")
connection.execute("PRAGMA cache_spill = ON")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE t (x)")
for number in range(200):
    connection.execute("INSERT INTO t VALUES (randomblob(1000))")
os._exit(9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of an empty ledger."""
    path = tmp_path / "state" / "ledger.sqlite"
    with SqliteLedger.open(path):
        pass
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files with their contents."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_none(tmp_path: Path) -> None:
    """It is not made."""
    assert examine_ledger(tmp_path / "state" / "ledger.sqlite") is None
    assert [*tmp_path.iterdir()] == []


def test_one_that_can_be_used(path: Path) -> None:
    """It stays byte for byte, and no file comes beside it."""
    before = tree(path.parent)

    assert examine_ledger(path) == LedgerState(0, ())
    assert tree(path.parent) == before


def test_a_sync_at_work(path: Path) -> None:
    """Its project is named, as long as it holds the lock; a description left behind is no lock."""
    destination = Destination("online", "https://w", "acme", "wines")
    with hold_locks(path.parent / "locks", [destination], wait=0):
        state = examine_ledger(path)
        assert state is not None
        assert state.held_locks == ("acme_wines",)
    [lock] = (path.parent / "locks").glob("*.lock")
    lock.with_suffix(".json").write_text("{}", encoding="utf-8")

    assert examine_ledger(path) == LedgerState(0, ())


def test_a_write_that_was_killed(path: Path) -> None:
    """The journal stays for the next command, which undoes the write."""
    subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    before = tree(path.parent)
    assert any(name.endswith("-journal") for name in before)

    assert examine_ledger(path) == LedgerState(None, ())
    assert tree(path.parent) == before


def test_those_that_can_not_be_used(path: Path) -> None:
    """Damaged, of another program, of a newer mfwb, a link: an error that says so, and no write."""
    sound = path.read_bytes()
    path.write_bytes(sound[:100] + os.urandom(len(sound) - 100))
    with pytest.raises((LedgerDamaged, UsageError)):
        examine_ledger(path)
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE others (x)")
    with pytest.raises(UsageError, match="tables are not those"):
        examine_ledger(path)
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="newer mfwb"):
        examine_ledger(path)
    target = path.rename(path.with_name("elsewhere"))
    path.symlink_to(target)
    with pytest.raises(UsageError, match="is a link"):
        examine_ledger(path)
