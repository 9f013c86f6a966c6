"""What the pipeline relies on of a ledger: SQLite's on a real file, and the one in memory."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.errors import LockHeld
from mfwb.ledger import SqliteLedger
from mfwb.ledger.schema import migrate
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import Destination, Entry, Ledger, SyncState
from tests.support.fakes import MemoryLedger
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER

OFFLINE = Destination("offline", "/old", "acme", "wines")


@contextmanager
def in_sqlite(folder: Path) -> Iterator[Ledger]:
    """Yield a ledger on a file."""
    with SqliteLedger.open(folder / "ledger.sqlite") as opened:
        yield opened


@contextmanager
def in_memory(folder: Path) -> Iterator[Ledger]:
    """Yield the fake, as if it lay in a folder."""
    yield MemoryLedger(folder=str(folder))


Opener = Callable[[Path], AbstractContextManager[Ledger]]


@pytest.fixture(params=[in_sqlite, in_memory], ids=["sqlite", "memory"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Return what opens a ledger in a folder."""
    result: Opener = request.param
    return result


@pytest.fixture
def ledger(opener: Opener, tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger that is open."""
    with opener(tmp_path) as opened:
        yield opened


def known(ledger: Ledger, entry: Entry) -> Entry | None:
    """Return what the ledger has in the place of an entry, but for the time."""
    result = ledger.entry(entry.flow_run, entry.provider, entry.destination)
    return result and replace(result, at="")


# --- outcomes of flow runs that are unchanged ---

SYNCED = replace(ENTRY, outcome=replace(OUTCOME, status=Status.SYNCED, url="https://w/e/p/x"))


def test_outcomes(ledger: Ledger) -> None:
    """Those of several flow runs come at once, as a call shows them that finds them unchanged."""
    second = replace(SYNCED, flow_run="Flow/2", outcome=OUTCOME)
    without = replace(SYNCED, flow_run="Flow/3", outcome=None)
    for entry in (SYNCED, second, without):
        ledger.write(entry)

    names = ["Flow/1", "Flow/2", "Flow/3", "Flow/4"]
    found = outcomes(ledger, names)

    assert SYNCED.outcome is not None
    assert found == {
        "Flow/1": SYNCED.outcome.as_unchanged(),
        "Flow/2": OUTCOME.as_unchanged(),
    }
    assert found["Flow/1"].url == "https://w/e/p/x"
    assert ledger.entries_of([], ENTRY.provider, SERVER) == {}
    assert ledger.entries_of(names, "local@/else", SERVER) == {}


def outcomes(ledger: Ledger, names: list[str]) -> dict[str, FlowRunOutcome]:
    """Return what a call shows that finds flow runs unchanged."""
    entries = ledger.entries_of(names, ENTRY.provider, SERVER)
    return {name: entry.outcome for name, entry in entries.items() if entry.outcome is not None}


def test_outcomes_of_an_older_entry(ledger: Ledger) -> None:
    """An entry without a provider is found, unless there is one with it."""
    older = replace(SYNCED, provider="", outcome=replace(OUTCOME, reason="older"))
    ledger.write(older)
    assert outcomes(ledger, ["Flow/1"])["Flow/1"].reason == "older"


def test_outcomes_in_a_bundle(ledger: Ledger) -> None:
    """They are the same, though all of them is checked."""
    destination = replace(OFFLINE, base="/somewhere")
    ledger.write(replace(SYNCED, destination=destination))
    [entry] = ledger.entries_of(["Flow/1"], ENTRY.provider, destination).values()
    outcome = entry.outcome

    assert SYNCED.outcome is not None
    assert outcome == SYNCED.outcome.as_unchanged()
    assert type(outcome) is FlowRunOutcome


@pytest.mark.parametrize("outcome", ["{", '{"pathspec": 1}', b"{}", '{"status":"synced"}'])
def test_outcomes_that_are_damaged(tmp_path: Path, outcome: str | bytes) -> None:
    """Such a flow run is read again, as if there were none."""
    with in_sqlite(tmp_path) as ledger:
        ledger.write(SYNCED)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE outcomes SET outcome = ?", (outcome,))
    with in_sqlite(tmp_path) as ledger:
        assert outcomes(ledger, ["Flow/1"]) == {}


# --- one entry ------------------------------------------------------------------------------


def test_nothing_known(ledger: Ledger) -> None:
    """A new ledger knows nothing, and has an id."""
    assert known(ledger, ENTRY) is None
    assert ledger.entries() == []
    assert ledger.stamps(["Flow/1"], ENTRY.provider, SERVER) == {}
    assert ledger.id


def test_comes_back_as_it_was(ledger: Ledger) -> None:
    """What was written is read, its outcome included; the ledger says when it was written."""
    ledger.write(replace(ENTRY, at="a time of long ago"))

    assert known(ledger, ENTRY) == ENTRY
    [listed] = ledger.entries()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed.at)


def test_latest_word(ledger: Ledger) -> None:
    """A flow run has one entry: the last."""
    ledger.write(ENTRY)
    changed = replace(ENTRY, sync_state=SyncState.BEGUN, digest="", outcome=None)
    ledger.write(changed)

    assert known(ledger, ENTRY) == changed
    assert len(ledger.entries()) == 1


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
def test_known_here_is_not_known_there(ledger: Ledger, other: Entry) -> None:
    """Another flow run, one that was read elsewhere, and another destination stand apart."""
    ledger.write(ENTRY)
    assert known(ledger, other) is None

    ledger.write(replace(other, digest="other"))
    assert known(ledger, ENTRY) == ENTRY


def test_no_entity_is_an_empty_one(ledger: Ledger) -> None:
    """An entity that is not known is found by either spelling, and listed as None."""
    ledger.write(replace(ENTRY, destination=replace(SERVER, entity="")))

    unknown = replace(SERVER, entity=None)
    assert known(ledger, replace(ENTRY, destination=unknown)) == replace(ENTRY, destination=unknown)
    assert [entry.destination.entity for entry in ledger.entries(destination=unknown)] == [None]


def test_of_an_unknown_provider(ledger: Ledger) -> None:
    """An entry without a provider counts for each, until one is known."""
    ledger.write(replace(ENTRY, provider=""))
    assert known(ledger, ENTRY) == replace(ENTRY, provider="")
    assert len(ledger.entries(provider="service@x")) == 1
    assert len(ledger.stamps(["Flow/1"], "service@x", SERVER)) == 1

    ledger.write(ENTRY)
    assert known(ledger, ENTRY) == ENTRY
    assert ledger.entries(provider="service@x") == []


def test_bundle_that_was_moved(ledger: Ledger, tmp_path: Path) -> None:
    """A bundle takes its ledger along: it is found under any path, and listed under its own."""
    ledger.write(replace(ENTRY, destination=OFFLINE))
    moved = replace(OFFLINE, base="/new")
    result = known(ledger, replace(ENTRY, destination=moved))

    assert result is not None
    assert result.destination.base == str(tmp_path)
    assert len(ledger.entries(destination=moved)) == 1
    assert [entry.destination.base for entry in ledger.entries()] == [str(tmp_path)]


def test_threads(ledger: Ledger) -> None:
    """Several threads may use one ledger."""
    good: list[int] = []

    def work(number: int) -> None:
        mine = replace(ENTRY, flow_run=f"Flow/{number}")
        ledger.write(mine)
        if known(ledger, mine) == mine:
            good.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(good) == list(range(8))
    assert len(ledger.entries()) == 8


# --- lists ----------------------------------------------------------------------------------


def names(entries: list[Entry]) -> list[str]:
    """Return the flow runs."""
    return [entry.flow_run for entry in entries]


def test_oldest_first(ledger: Ledger) -> None:
    """Entries are listed by start, of one moment by name, without their outcomes."""
    for number, start in ((4, 30), (1, 30), (2, 10), (3, 20)):
        ledger.write(replace(ENTRY, flow_run=f"Flow/{number}", started_at=start))

    assert names(ledger.entries()) == ["Flow/2", "Flow/3", "Flow/1", "Flow/4"]
    assert {entry.outcome for entry in ledger.entries()} == {None}


def test_open_ones(ledger: Ledger) -> None:
    """They are listed whenever they started, and so are those in one state."""
    for state in SyncState:
        ledger.write(replace(ENTRY, flow_run=f"Flow/{state.name}", sync_state=state, started_at=1))
    ledger.write(replace(ENTRY, flow_run="Flow/new", started_at=10))
    still_open = {f"Flow/{item.name}" for item in SyncState if item.is_open}

    assert len(still_open) == 4
    assert set(names(ledger.entries(is_open=True))) == still_open
    assert names(ledger.entries(sync_state=SyncState.LEFT_OUT)) == ["Flow/LEFT_OUT"]
    assert names(ledger.entries(sync_state=SyncState.LEFT_OUT, is_open=True)) == []
    assert len(ledger.entries()) == len(SyncState) + 1


def test_of_some_flow_runs(ledger: Ledger) -> None:
    """Of two entries of one flow run, it is that of the provider."""
    ledger.write(SYNCED)
    ledger.write(replace(ENTRY, flow_run="Flow/2", provider=""))
    ledger.write(replace(ENTRY, flow_run="Flow/3", provider="service@x"))
    requested = ["Flow/1", "Flow/2", "Flow/3", "Flow/4"]

    result = ledger.entries_of(requested, ENTRY.provider, SERVER)

    assert {name: entry.provider for name, entry in result.items()} == {
        "Flow/1": ENTRY.provider,
        "Flow/2": "",
    }
    assert result["Flow/1"].sync_state is SYNCED.sync_state
    assert set(ledger.entries_of(requested, "service@x", SERVER)) == {"Flow/2", "Flow/3"}
    assert ledger.entries_of(requested, ENTRY.provider, replace(SERVER, project="else")) == {}


def test_of_one_flow(ledger: Ledger) -> None:
    """A flow whose name begins alike is another one."""
    for name in ("Flow/1", "Flow2/1", "Flo/1", "Flow_/1", "Flow/2"):
        ledger.write(replace(ENTRY, flow_run=name))

    assert names(ledger.entries(flow="Flow")) == ["Flow/1", "Flow/2"]


def test_of_one_provider_and_destination(ledger: Ledger) -> None:
    """Entries are listed by where flow runs were read, and by where they went."""
    ledger.write(ENTRY)
    ledger.write(replace(ENTRY, flow_run="Flow/2", provider="service@x"))
    ledger.write(replace(ENTRY, flow_run="Flow/3", destination=replace(SERVER, project="else")))

    assert names(ledger.entries(provider="local@/data")) == ["Flow/1", "Flow/3"]
    assert names(ledger.entries(destination=SERVER)) == ["Flow/1", "Flow/2"]
    assert names(ledger.entries(provider="service@x", destination=SERVER)) == ["Flow/2"]


def test_stamps(ledger: Ledger) -> None:
    """Of what was synced by this very ledger it is known how it was listed then."""
    ledger.write(replace(ENTRY, flow_run="Flow/1", listed="good"))
    ledger.write(replace(ENTRY, flow_run="Flow/2", listed=""))
    ledger.write(replace(ENTRY, flow_run="Flow/3", listed="good", digest=""))
    ledger.write(replace(ENTRY, flow_run="Flow/4", listed="good", sync_state=SyncState.FAILED))
    ledger.write(replace(ENTRY, flow_run="Flower/5", listed="good"))

    flow_runs = [f"Flow/{number}" for number in range(7)]
    result = ledger.stamps(flow_runs, ENTRY.provider, SERVER)

    assert result == {"Flow/1": "good", "Flow/2": ""}
    assert ledger.stamps(["Flow/2", "Flow/3"], ENTRY.provider, SERVER) == {"Flow/2": ""}
    assert ledger.stamps(flow_runs, "other", SERVER) == {}


# --- locks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        [SERVER],
        [replace(SERVER, base="https://other.example")],
        [OFFLINE],
        [replace(SERVER, project="free"), SERVER],
    ],
)
def test_one_at_a_time(ledger: Ledger, asked: list[Destination]) -> None:
    """An entity and project is one sync's, whatever the server; of a refusal nothing is left."""
    free = replace(SERVER, project="free")
    with ledger.lock([SERVER], wait=0):
        with pytest.raises(LockHeld), ledger.lock(asked, wait=0):
            pass
        with ledger.lock([free], wait=0):
            pass
    with ledger.lock(asked, wait=0):
        pass


def test_let_go_after_an_error(ledger: Ledger) -> None:
    """Whatever ends the sync, the next one may begin."""
    with pytest.raises(KeyError), ledger.lock([SERVER], wait=0):
        raise KeyError
    with ledger.lock([SERVER], wait=0):
        pass


def test_unknown_entity_is_locked_as_one(ledger: Ledger) -> None:
    """Two spellings of no entity are the same place."""
    unknown = replace(SERVER, entity=None)
    with ledger.lock([unknown], wait=0):
        with pytest.raises(LockHeld), ledger.lock([replace(SERVER, entity="")], wait=0):
            pass
        with ledger.lock([SERVER], wait=0):
            pass


# --- any sequence of writes -----------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
ENTRIES = st.builds(
    Entry,
    flow_run=st.sampled_from(["Flow/1", "Flow/2", "Other/1"]),
    provider=st.sampled_from(["local@/a", "service@b"]),
    destination=st.sampled_from([SERVER, OFFLINE, replace(SERVER, entity=None)]),
    sync_state=st.sampled_from(list(SyncState)),
    state=TEXTS,
    started_at=st.integers(0, 3),
    listed=TEXTS,
    settings_stamp=TEXTS,
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
        "sync_state": st.sampled_from(SyncState),
        "is_open": st.booleans(),
    },
)


@contextmanager
def in_sqlite_without_a_file(folder: Path) -> Iterator[Ledger]:
    """Yield a ledger that writes to no disk, for tests that open hundreds."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        path = folder / "ledger.sqlite"
        migrate(connection, path)
        yield SqliteLedger(connection, path)


@pytest.mark.parametrize("opener", [in_sqlite_without_a_file, in_memory])
@settings(deadline=None)
@given(written=st.lists(ENTRIES, max_size=8), asked=ASKED)
def test_like_a_dictionary(
    opener: Opener, written: list[Entry], asked: dict[str, str | int | Destination]
) -> None:
    """Whatever is written in whatever order, the ledger says what a dictionary would."""
    expected: dict[tuple[str, str, Destination], Entry] = {}
    with opener(Path(OFFLINE.base)) as ledger:
        for item in written:
            ledger.write(item)
            expected[item.flow_run, item.provider, item.destination] = item

        for item in expected.values():
            assert known(ledger, item) == item
        listed = ledger.entries(**asked)  # type: ignore[arg-type]

    fitting = [replace(entry, outcome=None) for entry in expected.values() if fits(entry, asked)]
    in_order = [(entry.started_at, entry.flow_run) for entry in listed]
    assert in_order == sorted(in_order)
    assert {replace(entry, at="") for entry in listed} == set(fitting)
    assert len(listed) == len(fitting)


def fits(entry: Entry, asked: dict[str, Any]) -> bool:
    """Whether an entry is asked for."""
    return (
        asked.get("provider", entry.provider) == entry.provider
        and asked.get("destination", entry.destination) == entry.destination
        and entry.flow_run.startswith(f"{asked.get('flow', entry.flow_run.split('/')[0])}/")
        and asked.get("sync_state", entry.sync_state) is entry.sync_state
        and (not asked.get("is_open") or entry.sync_state.is_open)
    )
