"""The ledger, on a real file."""

from __future__ import annotations

import sqlite3
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
from hypothesis import given
from hypothesis import strategies as st

from mfwb.errors import LedgerDamaged, LockHeld, UsageError
from mfwb.ledger import SqliteLedger
from mfwb.ledger.recovery import translate_errors
from mfwb.ledger.schema import migrate
from mfwb.ports import Destination, Entry, Standing
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
    found = ledger.entry(entry.flow_run, entry.provider, entry.destination)
    return found and replace(found, at="")


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
    [found] = ledger.entries()

    at = datetime.strptime(found.at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert before <= at <= datetime.now(timezone.utc)


def test_latest_word(ledger: SqliteLedger) -> None:
    """A flow run has one entry: the last. Nothing of the former one is left in the file."""
    ledger.write(ENTRY)
    changed = replace(ENTRY, standing=Standing.BEGUN, digest="", outcome=None)
    ledger.write(changed)

    assert known(ledger, ENTRY) == changed
    assert [one.lost for one in ledger.known()] == [0]
    assert ledger._select("SELECT * FROM outcomes") == []


@pytest.mark.parametrize(
    "other",
    [
        replace(ENTRY, flow_run="Flow/2"),
        replace(ENTRY, provider="local@/else"),
        replace(ENTRY, destination=replace(SERVER, base="https://api.wandb.ai")),
        replace(ENTRY, destination=replace(SERVER, entity="else")),
        replace(ENTRY, destination=replace(SERVER, entity=None)),
        replace(ENTRY, destination=replace(SERVER, project="else")),
        replace(ENTRY, destination=OFFLINE),
    ],
)
def test_known_here_is_not_known_there(ledger: SqliteLedger, other: Entry) -> None:
    """Another flow run, one that was read elsewhere, and another destination stand apart."""
    ledger.write(ENTRY)
    assert known(ledger, other) is None

    ledger.write(replace(other, digest="other"))
    assert known(ledger, ENTRY) == ENTRY


def test_bundle_that_was_moved(ledger: SqliteLedger, path: Path) -> None:
    """A bundle takes its ledger along: it is found under any path, and listed under its own."""
    ledger.write(replace(ENTRY, destination=OFFLINE))
    moved = replace(OFFLINE, base="/new")

    assert known(ledger, replace(ENTRY, destination=moved)) is not None
    assert len(ledger.entries(destination=moved)) == 1
    assert [one.destination.base for one in ledger.entries()] == [str(path.parent)]


def test_outcome_that_can_not_be_read(ledger: SqliteLedger) -> None:
    """Of what a version of the future did nothing is known, so W&B will be compared with."""
    ledger.write(ENTRY)
    ledger._connection.execute("UPDATE outcomes SET outcome = '{\"unheard\": 1}'")

    assert known(ledger, ENTRY) == replace(ENTRY, digest="", outcome=None)


def test_threads(ledger: SqliteLedger) -> None:
    """Several threads may use one ledger."""

    def work(number: int) -> None:
        mine = replace(ENTRY, flow_run=f"Flow/{number}")
        ledger.write(mine)
        assert known(ledger, mine) == mine

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ledger.entries()) == 8


# --- lists ----------------------------------------------------------------------------------


def names(entries: list[Entry]) -> list[str]:
    """Return the flow runs."""
    return [one.flow_run for one in entries]


def test_oldest_first(ledger: SqliteLedger) -> None:
    """Entries are listed by start, without their outcomes."""
    for number, start in ((1, 30), (2, 10), (3, 20)):
        ledger.write(replace(ENTRY, flow_run=f"Flow/{number}", started_at=start))

    assert names(ledger.entries()) == ["Flow/2", "Flow/3", "Flow/1"]
    assert {one.outcome for one in ledger.entries()} == {None}


def test_since(ledger: SqliteLedger) -> None:
    """What started before is listed only if it is open."""
    for standing in Standing:
        old = replace(ENTRY, flow_run=f"Flow/{standing.name}", standing=standing, started_at=1)
        ledger.write(old)
    ledger.write(replace(ENTRY, flow_run="Flow/new", started_at=10))
    still_open = {f"Flow/{one.name}" for one in Standing if one.is_open}

    assert len(still_open) == 4
    assert set(names(ledger.entries(since=10))) == {*still_open, "Flow/new"}
    assert set(names(ledger.entries(since=11))) == still_open
    assert len(ledger.entries(since=1)) == len(Standing) + 1


def test_of_one_flow(ledger: SqliteLedger) -> None:
    """A flow whose name begins alike is another one."""
    for name in ("Flow/1", "Flow2/1", "Flo/1", "Flow_/1", "Flow/2"):
        ledger.write(replace(ENTRY, flow_run=name))

    assert names(ledger.entries(flow="Flow")) == ["Flow/1", "Flow/2"]


def test_of_one_provider_and_destination(ledger: SqliteLedger) -> None:
    """Entries are listed by where flow runs were read, and by where they went."""
    ledger.write(ENTRY)
    ledger.write(replace(ENTRY, flow_run="Flow/2", provider="service@x"))
    ledger.write(replace(ENTRY, flow_run="Flow/3", destination=replace(SERVER, project="else")))

    assert names(ledger.entries(provider="local@/data")) == ["Flow/1", "Flow/3"]
    assert names(ledger.entries(destination=SERVER)) == ["Flow/1", "Flow/2"]
    assert names(ledger.entries(provider="service@x", destination=SERVER, since=0)) == ["Flow/2"]


def test_few_of_very_many_are_looked_up(ledger: SqliteLedger) -> None:
    """Whatever is asked beside, `since` is looked up in indexes rather than in each row."""
    asked: list[str] = []
    ledger._connection.set_trace_callback(asked.append)
    ledger.entries(provider="p", destination=SERVER, flow="Flow", since=5)
    ledger._connection.set_trace_callback(None)
    query = asked[-1]  # with its values, or with their places, by the version of Python
    values = (0,) * query.count("?")
    rows = ledger._connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    plan = [row[-1] for row in rows]

    assert any("COVERING INDEX by_start" in line for line in plan)
    assert any("COVERING INDEX open_ones" in line for line in plan)
    assert not any(line in ("SCAN flow_runs", "SCAN TABLE flow_runs") for line in plan)


def test_stamps(ledger: SqliteLedger) -> None:
    """Of what was synced by this very ledger it is known how it was listed then."""
    ledger.write(replace(ENTRY, flow_run="Flow/1", listed="good"))
    ledger.write(replace(ENTRY, flow_run="Flow/2", listed=""))
    ledger.write(replace(ENTRY, flow_run="Flow/3", listed="good", digest=""))
    ledger.write(replace(ENTRY, flow_run="Flow/4", listed="good", standing=Standing.FAILED))
    ledger.write(replace(ENTRY, flow_run="Flower/5", listed="good"))

    found = ledger.stamps(provider=ENTRY.provider, destination=SERVER, flow="Flow")

    assert found == {"Flow/1": "good", "Flow/2": ""}
    assert ledger.stamps(provider="other", destination=SERVER, flow="Flow") == {}


def test_losses(ledger: SqliteLedger) -> None:
    """How much was lost is known without reading outcomes, and what it was with it."""
    ledger.write(ENTRY)
    ledger.write(replace(ENTRY, flow_run="Flow/2", outcome=None))

    assert [(one.flow, one.lost) for one in ledger.known()] == [("Flow", 2), ("Flow", 0)]
    assert list(ledger.losses(ledger.entries())) == list(OUTCOME.all_losses)


# --- any sequence of writes -----------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
ENTRIES = st.builds(
    Entry,
    flow_run=st.sampled_from(["Flow/1", "Flow/2", "Other/1"]),
    provider=st.sampled_from(["local@/a", "service@b"]),
    destination=st.sampled_from([SERVER, OFFLINE, replace(SERVER, entity=None)]),
    standing=st.sampled_from(list(Standing)),
    state=TEXTS,
    started_at=st.integers(0, 3),
    listed=TEXTS,
    asked=TEXTS,
    digest=TEXTS,
    reason=TEXTS,
    outcome=st.sampled_from([None, OUTCOME]),
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "provider": st.sampled_from(["local@/a", "nobody"]),
        "destination": st.sampled_from([SERVER, OFFLINE]),
        "flow": st.sampled_from(["Flow", "Other", "None"]),
        "since": st.integers(0, 4),
    },
)


@given(written=st.lists(ENTRIES, max_size=8), asked=ASKED)
def test_like_a_dictionary(written: list[Entry], asked: dict[str, str | int | Destination]) -> None:
    """Whatever is written in whatever order, the ledger says what a dictionary would."""
    expected: dict[tuple[str, str, Destination], Entry] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path("/old/ledger.sqlite"))
        ledger = SqliteLedger(connection, Path("/old/ledger.sqlite"))
        for one in written:
            ledger.write(one)
            expected[one.flow_run, one.provider, one.destination] = one

        for one in expected.values():
            assert known(ledger, one) == one
        listed = ledger.entries(**asked)  # type: ignore[arg-type]

    fitting = [replace(one, outcome=None) for one in expected.values() if fits(one, asked)]
    in_order = [(one.started_at, one.flow_run) for one in listed]
    assert in_order == sorted(in_order)
    assert {replace(one, at="") for one in listed} == set(fitting)
    assert len(listed) == len(fitting)


def fits(entry: Entry, asked: dict[str, str | int | Destination]) -> bool:
    """Whether an entry is asked for."""
    since = asked.get("since")
    return (
        asked.get("provider", entry.provider) == entry.provider
        and asked.get("destination", entry.destination) == entry.destination
        and entry.flow_run.startswith(f"{asked.get('flow', entry.flow_run.split('/')[0])}/")
        and (not isinstance(since, int) or entry.started_at >= since or entry.standing.is_open)
    )


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
        newer.execute("PRAGMA user_version = 3")
    before = path.read_bytes()

    assert refusal(path) == (
        "the ledger PATH was written by a newer mfwb (schema 3, this one knows 2); upgrade mfwb"
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
