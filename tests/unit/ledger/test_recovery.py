"""Recovery of damaged ledgers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.errors import UsageError
from mfwb.ledger import SqliteLedger, put_aside_if_damaged
from tests.unit.ledger.entries import ENTRY


def test_sound_ledger_stays(tmp_path: Path) -> None:
    """A sound ledger is not changed, and a missing one is not created."""
    path = tmp_path / "ledger.sqlite"
    assert put_aside_if_damaged(path) is None

    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
    before = path.read_bytes()

    assert put_aside_if_damaged(path) is None
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_newer_ledger_stays(tmp_path: Path) -> None:
    """A ledger of a newer mfwb does not count as damaged."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 9")

    assert put_aside_if_damaged(path) is None
    with pytest.raises(UsageError, match="newer mfwb"), SqliteLedger.open(path):
        pass


def test_ledger_with_tables_of_others_is_put_aside(tmp_path: Path) -> None:
    """Mfwb never opens such a ledger; the user has to rebuild it with `--rebuild`."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE entries (something)")
        connection.commit()
    with pytest.raises(UsageError, match="--rebuild"), SqliteLedger.open(path):
        pass

    aside = put_aside_if_damaged(path)

    assert aside
    assert list(tmp_path.iterdir()) == [aside]


def test_damaged_ledger_is_put_aside(tmp_path: Path) -> None:
    """A file that is not a ledger is renamed, so that a new ledger can be created."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"garbage" * 1000)
    aside = put_aside_if_damaged(path)

    assert aside
    assert aside.name.startswith("ledger.sqlite.corrupt-20")
    assert aside.read_bytes() == b"garbage" * 1000
    assert list(tmp_path.iterdir()) == [aside]
    with SqliteLedger.open(path) as ledger:
        assert ledger.known() == []


def damaged_inside(path: Path) -> None:
    """Create a ledger that opens, but is inconsistent."""
    with SqliteLedger.open(path) as ledger:
        for number in range(200):
            ledger.write(replace(ENTRY, flow_run=f"Flow/{number}"))
    with path.open("r+b") as file:
        file.seek(-8 * 4096, 2)
        file.write(b"\xff" * 8 * 4096)


def test_damage_that_only_an_integrity_check_finds(tmp_path: Path) -> None:
    """A ledger that opens but is inconsistent counts as damaged, too."""
    path = tmp_path / "ledger.sqlite"
    damaged_inside(path)

    with SqliteLedger.open(path):
        pass
    assert put_aside_if_damaged(path)


def test_the_journal_is_renamed_too(tmp_path: Path) -> None:
    """The journal is renamed, too: otherwise SQLite would apply it to the next ledger."""
    path = tmp_path / "ledger.sqlite"
    damaged_inside(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        somebody.execute("UPDATE ledger SET id = 'half a write'")
        assert path.with_name("ledger.sqlite-journal").exists()
        aside = put_aside_if_damaged(path)

        assert aside
        names = sorted(file.name for file in tmp_path.iterdir())
        assert names == [aside.name, f"{aside.name}-journal"]
