"""The ledger, on a real file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import pytest

from mfwb.errors import LedgerDamaged, LockHeld, UsageError
from mfwb.ledger import SqliteLedger, StatusFilter
from mfwb.ledger.recovery import translate_errors
from mfwb.ledger.schema import migrate
from mfwb.ports import Destination, Entry, SyncState
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER

_PATIENCE = 60  # seconds
OFFLINE = Destination("offline", "/old", "acme", "wines")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger will be, in a folder that is not there yet."""
    return tmp_path / "new" / "folder" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """Return a ledger that is open."""
    with SqliteLedger.open(path) as opened:
        yield opened


def known(ledger: SqliteLedger, entry: Entry) -> Entry | None:
    """Return what the ledger has in the place of an entry, but for the time."""
    result = ledger.entry(entry.flow_run, entry.provider, entry.destination)
    return result and replace(result, at="")


def test_nothing_known(ledger: SqliteLedger) -> None:
    """A new ledger knows nothing."""
    assert known(ledger, ENTRY) is None
    assert ledger.entries() == []
    assert ledger.known() == []


def test_remembered_by_the_next_process(path: Path) -> None:
    """What was written comes back as it was, also after the file was closed."""
    with SqliteLedger.open(path) as first:
        first.write(ENTRY)

    with SqliteLedger.open(path) as second:
        assert known(second, ENTRY) == ENTRY
        assert second.id == first.id


def test_each_ledger_has_a_name_of_its_own(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Ledgers are told apart by ids."""
    with SqliteLedger.open(tmp_path / "other.sqlite") as other:
        assert UUID(other.id) != UUID(ledger.id)


def test_time_of_writing(ledger: SqliteLedger) -> None:
    """The ledger notes when an entry was written, whatever that says itself."""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    ledger.write(replace(ENTRY, at="2001-01-01T00:00:00Z"))
    [result] = ledger.entries()

    at = datetime.strptime(result.at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert before <= at <= datetime.now(timezone.utc)


def test_latest_word(ledger: SqliteLedger, path: Path) -> None:
    """A flow run has one entry: the last. Nothing of the former one is left in the file."""
    ledger.write(ENTRY)
    changed = replace(ENTRY, sync_state=SyncState.BEGUN, digest="", outcome=None)
    ledger.write(changed)

    assert known(ledger, ENTRY) == changed
    assert [item.lost for item in ledger.known()] == [0]
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT * FROM outcomes").fetchall() == []


def test_outcome_that_can_not_be_read(ledger: SqliteLedger, path: Path) -> None:
    """Of what a version of the future did nothing is known, so W&B will be compared with."""
    ledger.write(ENTRY)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE outcomes SET outcome = '{\"unheard\": 1}'")

    assert known(ledger, ENTRY) == replace(ENTRY, digest="", outcome=None)


# --- lists ----------------------------------------------------------------------------------


def test_few_of_very_many_are_looked_up(path: Path) -> None:
    """Whatever is asked beside, open ones are looked up in an index rather than in each row."""
    requested: list[str] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, path)
        ledger = SqliteLedger(connection, path)
        connection.set_trace_callback(requested.append)
        ledger.entries(provider="p", destination=SERVER, flow="Flow", is_open=True)
        connection.set_trace_callback(None)
        query = requested[-1]  # with its values, or with their places, by the version of Python
        values = (0,) * query.count("?")
        rows = connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    plan = [row[-1] for row in rows]

    assert any("COVERING INDEX open_ones" in line for line in plan)
    assert not any(line in ("SCAN flow_runs", "SCAN TABLE flow_runs") for line in plan)


def test_losses(ledger: SqliteLedger) -> None:
    """How much was lost is known without reading outcomes, and what it was with it."""
    ledger.write(ENTRY)
    ledger.write(replace(ENTRY, flow_run="Flow/2", outcome=None))

    assert [(item.flow, item.lost) for item in ledger.known()] == [("Flow", 2), ("Flow", 0)]
    lost = list(ledger.losses(StatusFilter()))
    assert [item.loss for item in lost] == list(OUTCOME.all_losses)
    assert {(item.flow_run, item.destination) for item in lost} == {
        (ENTRY.flow_run, ENTRY.destination)
    }


# --- files that are no ledgers --------------------------------------------------------------


def refusal(path: Path) -> str:
    """Return what is said about a ledger that can't be used, without its path."""
    with pytest.raises(UsageError) as caught, SqliteLedger.open(path):
        pass
    return str(caught.value).replace(str(path), "PATH")


def test_newer_schema(path: Path) -> None:
    """A ledger of a newer mfwb is left alone."""
    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 4")
    before = path.read_bytes()

    assert refusal(path) == (
        "the ledger PATH was written by a newer mfwb (schema 4, this one knows 3); upgrade mfwb"
    )
    assert path.read_bytes() == before


def test_garbage(tmp_path: Path) -> None:
    """A file that is no database is named with the cure, and left as it is."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, " * 100)

    assert refusal(path) == (
        "the ledger PATH is damaged: file is not a database; `mfwb status --rebuild` rebuilds it "
        "from W&B"
    )
    assert path.read_bytes() == b"not a database, " * 100


def test_damage_inside(path: Path) -> None:
    """A page that was overwritten is noticed when it is read, and the cure is named."""
    with SqliteLedger.open(path) as ledger:
        for number in range(200):
            ledger.write(replace(ENTRY, flow_run=f"Flow/{number}"))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * (size - 3 * 4096))

    with pytest.raises(LedgerDamaged, match="--rebuild"), SqliteLedger.open(path) as ledger:
        ledger.known()


def test_folder_for_a_file(tmp_path: Path) -> None:
    """A folder is no ledger."""
    assert refusal(tmp_path) == "the ledger PATH can't be opened: unable to open database file"


def test_file_for_a_folder(tmp_path: Path) -> None:
    """A ledger can't lie in a file."""
    (tmp_path / "file").write_text("x", encoding="utf-8")

    assert refusal(tmp_path / "file" / "ledger.sqlite").startswith(
        "the ledger PATH can't be opened"
    )


def test_database_of_others(tmp_path: Path) -> None:
    """A database in which there is no room for a ledger is named, with what is in the way."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE x (y)")
        theirs.execute("CREATE INDEX flow_runs ON x (y)")

    assert refusal(path) == (
        "the ledger PATH can't be used: its tables are not those that mfwb creates; move it "
        "away, or let `mfwb status --rebuild` move it away and rebuild it from W&B"
    )
    with closing(sqlite3.connect(path)) as theirs:
        names = {name for (name,) in theirs.execute("SELECT name FROM sqlite_master")}
    assert names & {"ledger", "outcomes"} == set()


def test_empty_file(tmp_path: Path) -> None:
    """An empty file becomes a ledger: it may be all that a killed process made."""
    path = tmp_path / "ledger.sqlite"
    path.touch()

    with SqliteLedger.open(path) as ledger:
        assert ledger.entries() == []


def test_locked(path: Path) -> None:
    """A ledger that another process keeps locked is said to be so."""
    with SqliteLedger.open(path):
        pass
    with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path, timeout=0)) as ours:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockHeld) as caught, translate_errors(path):
            migrate(ours, path)  # what `open` does, but without its patience

    assert str(caught.value) == f"another process keeps the ledger {path} locked"


def test_closed_while_a_thread_writes(path: Path) -> None:
    """What is being written is, before it is closed; who comes later hears that all is over."""
    left = threading.Event()

    def use_and_leave() -> None:
        with SqliteLedger.open(path) as ledger:
            opened.append(ledger)
            may_leave.wait(_PATIENCE)
        left.set()

    opened: list[SqliteLedger] = []
    may_leave = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        user = pool.submit(use_and_leave)
        while not opened:
            time.sleep(0.01)
        with closing(sqlite3.connect(path, isolation_level=None)) as another:
            another.execute("BEGIN EXCLUSIVE")
            writer = pool.submit(opened[0].write, ENTRY)
            time.sleep(0.1)  # it waits for the other one now
            may_leave.set()
            assert not left.wait(0.2)
        writer.result(_PATIENCE)
        user.result(_PATIENCE)

    with pytest.raises(CancelledError):
        opened[0].entries()
    with SqliteLedger.open(path) as again:
        assert known(again, ENTRY) == ENTRY


ROUNDS = 20


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Whenever a writer is killed, the ledger is sound and has all acknowledged entries."""
    path = tmp_path / "ledger.sqlite"
    command = [sys.executable, "-m", "tests.unit.ledger.ledger_writer", str(path), str(ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(rounds) == ROUNDS
    assert all(result["acknowledged"] >= 1 for result in rounds[1::2])
    assert [result["missing"] for result in rounds] == [0] * ROUNDS
    assert {result["check"] for result in rounds} == {"ok"}


IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from mfwb.ledger import SqliteLedger

with SqliteLedger.open(Path(sys.argv[1])) as ledger:
    connection = ledger._connection
    connection.execute("PRAGMA cache_size = 1")  # so that pages are written to the file early
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM outcomes")
    connection.execute("UPDATE flow_runs SET digest = hex(randomblob(3000))")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_with_a_part_in_the_file(tmp_path: Path) -> None:
    """The next process rolls back an unfinished transaction."""
    path = tmp_path / "ledger.sqlite"
    entries = [replace(ENTRY, flow_run=f"Flow/{number}") for number in range(50)]
    with SqliteLedger.open(path) as ledger:
        for entry in entries:
            ledger.write(entry)
    before = path.read_bytes()
    subprocess.run([sys.executable, "-c", IN_THE_MIDDLE, str(path)], check=False)

    assert path.read_bytes() != before
    assert path.with_name("ledger.sqlite-journal").exists()
    with SqliteLedger.open(path) as ledger:
        stored = [
            ledger.entry(entry.flow_run, entry.provider, entry.destination) for entry in entries
        ]
        assert [entry and replace(entry, at="") for entry in stored] == entries
    assert path.read_bytes() == before


# --- forgetting -------------------------------------------------------------------------------


def test_an_entry_that_is_removed(ledger: SqliteLedger) -> None:
    """It goes with its outcome; those of other destinations and providers stay."""
    others = (
        replace(ENTRY, destination=replace(SERVER, project="beers")),
        replace(ENTRY, provider="local@/other"),
        replace(ENTRY, flow_run="Flow/2"),
    )
    for entry in (ENTRY, *others):
        ledger.write(entry)

    ledger.remove([ENTRY, replace(ENTRY, flow_run="Flow/3")])

    assert known(ledger, ENTRY) is None
    assert [known(ledger, entry) for entry in others] == [*others]
    assert len(ledger.known("Flow")) == 3
    assert ledger.known("Flo") == []


def test_a_deletion_is_noted_before_it_begins(path: Path) -> None:
    """The entry is open until it is removed, and keeps its outcome; the ids outlive it."""
    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
        ledger.begin_deletion(ENTRY, ["a", "b"])
        ledger.begin_deletion(ENTRY, ["b"])
        begun = known(ledger, ENTRY)
        assert begun
        assert (begun.sync_state, begun.digest, begun.outcome) == (SyncState.BEGUN, "", OUTCOME)
        ledger.remove([ENTRY])
    with SqliteLedger.open(path) as ledger:
        assert ledger.forgotten(SERVER) == {"a", "b"}
        assert ledger.forgotten(replace(SERVER, project="beers")) == frozenset()
