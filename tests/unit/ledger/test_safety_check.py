"""Malicious ledgers in a bundle: mfwb runs nothing in them, and removes or writes no other file."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from mfwb.errors import UsageError
from mfwb.ledger import (
    SqliteLedger,
    StatusFilter,
    put_aside_if_damaged,
    read_sync_status,
)
from tests.unit.ledger.entries import ENTRY, SERVER

MAGIC = bytes.fromhex("d9d505f920a163d7")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a ledger in which something is noted."""
    path = tmp_path / "bundle" / "ledger.sqlite"
    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
    return path


def use(path: Path) -> None:
    """Use a ledger as commands do."""
    with SqliteLedger.open(path) as ledger:
        ledger.entry(ENTRY.flow_run, ENTRY.provider, SERVER)
        ledger.entries()
        ledger.known()
        ledger.entries_of([ENTRY.flow_run], ENTRY.provider, SERVER)
        ledger.stamps([ENTRY.flow_run], ENTRY.provider, SERVER)
        ledger.write(ENTRY)


def standings_of(path: Path) -> object:
    """Return what `mfwb status` shows."""
    return read_sync_status(path, StatusFilter())


def change(path: Path, *statements: str) -> None:
    """Change a ledger as mfwb never does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_journal_that_names_a_file(path: Path, tmp_path: Path) -> None:
    """SQLite removes a file that such a journal names."""
    victim = tmp_path / "victim"
    victim.write_text("precious, and long enough", encoding="utf-8")
    name, pages = str(victim).encode(), path.stat().st_size // 4096
    header = MAGIC + struct.pack(">IIIII", 0, 1, pages, 512, 4096)
    end = struct.pack(">I", 0x40000000 // 4096 + 1) + name
    end += struct.pack(">II", len(name), sum(name)) + MAGIC
    journal = path.with_name("ledger.sqlite-journal")
    journal.write_bytes(header.ljust(512, b"\0") + end)

    for act in (use, put_aside_if_damaged, standings_of):
        with pytest.raises(UsageError, match="journal names another file"):
            act(path)

    assert victim.read_text(encoding="utf-8") == "precious, and long enough"


@pytest.mark.parametrize("end", ["", "-journal", "-wal", "-shm"])
def test_links(path: Path, tmp_path: Path, end: str) -> None:
    """SQLite would write to the target of a link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(path.read_bytes() if not end else b"precious" * 1000)
    before = elsewhere.read_bytes()
    file = path.with_name(f"{path.name}{end}")
    if end in ("-wal", "-shm"):
        change(path, "PRAGMA journal_mode = WAL")
    file.unlink(missing_ok=True)
    file.symlink_to(elsewhere)

    with pytest.raises(UsageError, match="is a link"):
        use(path)
    with pytest.raises(UsageError, match="is a link"):
        put_aside_if_damaged(path)

    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER DELETE ON flow_runs BEGIN DELETE FROM ledger; END",
        "CREATE VIEW v AS SELECT hex(zeroblob(100000000))",
        "CREATE VIRTUAL TABLE v USING fts5(a)",
        "CREATE INDEX i ON flow_runs (hex(zeroblob(1000)))",
        "ALTER TABLE flow_runs ADD COLUMN x AS (hex(zeroblob(100000000)))",
        "DROP TABLE outcomes",
    ],
)
def test_other_tables(path: Path, statement: str) -> None:
    """A ledger has the tables that mfwb makes, and nothing that runs by itself."""
    change(path, statement)

    with pytest.raises(UsageError, match="not those that mfwb creates"):
        use(path)


def test_a_view_in_place_of_a_table(path: Path) -> None:
    """A query of it would never end."""
    change(
        path,
        "DROP TABLE flow_runs",
        "CREATE VIEW flow_runs AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        "SELECT x AS id FROM c",
    )

    with pytest.raises(UsageError, match="not those that mfwb creates"):
        use(path)


@pytest.mark.parametrize("version", [-1, 0, 1])
def test_another_version(path: Path, version: int) -> None:
    """No migration creates these tables for that version."""
    change(path, f"PRAGMA user_version = {version}")

    with pytest.raises(UsageError, match="not those that mfwb creates"):
        use(path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("standing", "'of a kind'"),
        ("started_at", "'noon'"),
        ("started_at", "9e99"),
        ("started_at", "9223372036854775807"),
        ("flow_run", "x'ff00'"),
        ("flow_run", "'../../etc/passwd'"),
        ("flow_run", "'nothing'"),
        ("entity", "x'00'"),
        ("at", "'some day'"),
        ("lost", "'many'"),
        ("reason", "x'00'"),
    ],
)
def test_values_of_other_types(path: Path, column: str, value: str) -> None:
    """SQLite does not check the types of values."""
    change(path, f"UPDATE flow_runs SET {column} = {value}")  # noqa: S608 - that is the test

    with pytest.raises(UsageError, match="mfwb did not write"):
        use(path)
    with pytest.raises(UsageError, match="mfwb did not write"):
        standings_of(path)


@pytest.mark.parametrize("outcome", ["x'00'", "7", "'[' || hex(zeroblob(1000))", "'{}'"])
def test_outcomes_of_other_types(path: Path, outcome: str) -> None:
    """The entry has no outcome then."""
    change(path, f"UPDATE outcomes SET outcome = {outcome}")  # noqa: S608 - that is the test

    with SqliteLedger.open(path) as ledger:
        result = ledger.entry(ENTRY.flow_run, ENTRY.provider, SERVER)

    assert result is not None
    assert (result.outcome, result.digest) == (None, "")


@pytest.mark.parametrize("statement", ["DELETE FROM ledger", "UPDATE ledger SET id = 7.5"])
def test_no_id(path: Path, statement: str) -> None:
    """Each ledger has one."""
    change(path, statement)

    if "7.5" in statement:  # of a column of text SQLite makes one
        use(path)
        return
    with pytest.raises(UsageError, match="has no id"):
        use(path)


def test_private(tmp_path: Path) -> None:
    """Other users can't read the files that mfwb creates."""
    path = tmp_path / "state" / "ledger.sqlite"
    use(path)

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


def test_shared_on_purpose(tmp_path: Path) -> None:
    """In a folder to which its group may write, the ledger is the group's."""
    folder = tmp_path / "team"
    folder.mkdir()
    folder.chmod(0o2770)
    path = folder / "ledger.sqlite"
    with SqliteLedger.open(path) as ledger, ledger.lock([SERVER], wait=0):
        ledger.write(ENTRY)
        locks = {item.name: item.stat().st_mode & 0o777 for item in (folder / "locks").iterdir()}

    assert folder.stat().st_mode & 0o777 == 0o770
    assert path.stat().st_mode & 0o777 == 0o660
    assert set(locks.values()) == {0o660}
    assert (folder / "locks").stat().st_mode & 0o777 == 0o770


@pytest.mark.parametrize("what", ["locks", "lock", "json"])
def test_locks_that_are_links(path: Path, tmp_path: Path, what: str) -> None:
    """Taking a lock empties its file."""
    precious = tmp_path / "precious"
    with SqliteLedger.open(path) as ledger:
        with ledger.lock([SERVER], wait=0):
            [lock] = (path.parent / "locks").glob("*.lock")
        if what == "locks":
            precious.mkdir()
            (path.parent / "locks").rename(path.parent / "former")
            (path.parent / "locks").symlink_to(precious)
        else:
            precious.write_text("precious", encoding="utf-8")
            lock.with_suffix(f".{what}").unlink(missing_ok=True)
            lock.with_suffix(f".{what}").symlink_to(precious)

        with pytest.raises(UsageError, match="is a link"), ledger.lock([SERVER], wait=0):
            pass

    if what == "locks":
        assert list(precious.iterdir()) == []
    else:
        assert precious.read_text(encoding="utf-8") == "precious"
