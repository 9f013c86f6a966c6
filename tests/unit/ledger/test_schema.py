"""Migration of ledgers of older versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.ledger import SqliteLedger, schema
from mfwb.outcome import outcome_to_json
from mfwb.ports import Destination, Entry, SyncState
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER

VERSION_1 = """
CREATE TABLE IF NOT EXISTS done (
    flow_run TEXT NOT NULL,
    base     TEXT NOT NULL,
    entity   TEXT NOT NULL,
    project  TEXT NOT NULL,
    digest   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (flow_run, base, entity, project)
) WITHOUT ROWID
"""
"""As version 1 wrote it, letter by letter."""

AT = "2025-01-02T03:04:05Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a ledger of version 1 with a flow run on a server and in a bundle."""
    path = tmp_path / "ledger.sqlite"
    shown = outcome_to_json(OUTCOME)
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(VERSION_1)
        old.execute("PRAGMA user_version = 1")
        rows = [
            ("Flow/1", SERVER.base, "acme", "wines", "plan 1", shown, AT),
            ("Flow/1", "", "", "wines", "plan 2", shown, AT),
            ("Flow/2", SERVER.base, "acme", "wines", "plan 3", "no outcome", AT),
        ]
        old.executemany("INSERT INTO done VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return path


def migrated(flow_run: str, destination: Destination, digest: str) -> Entry:
    """Return what a row of version 1 becomes."""
    return Entry(flow_run, "", destination, SyncState.SYNCED, digest=digest, outcome=OUTCOME, at=AT)


def test_what_was_done_is_synced(path: Path) -> None:
    """What version 1 noted is kept, for a provider that nobody knows, with its time."""
    bundle = Destination("offline", "/bundle", None, "wines")
    with SqliteLedger.open(path) as ledger:
        online = ledger.entry("Flow/1", "local@/data", SERVER)
        offline = ledger.entry("Flow/1", "service@x", bundle)
        lost = {item.entry.flow_run: item.lost for item in ledger.known()}

    assert online == migrated("Flow/1", SERVER, "plan 1")
    assert offline == migrated("Flow/1", replace(bundle, base=str(path.parent)), "plan 2")
    assert lost == {"Flow/1": 2, "Flow/2": 0}


def test_an_outcome_that_nobody_can_read(path: Path) -> None:
    """It does not stop the migration, and no plan counts as carried out."""
    with SqliteLedger.open(path) as ledger:
        result = ledger.entry("Flow/2", "local@/data", SERVER)

    assert result == replace(migrated("Flow/2", SERVER, ""), outcome=None)


def test_listed_for_any_provider(path: Path) -> None:
    """What names no provider is listed for each."""
    with SqliteLedger.open(path) as ledger:
        assert len(ledger.entries(provider="local@/data", destination=SERVER)) == 2


def test_the_next_write_replaces_it(path: Path) -> None:
    """Once the provider is known, nothing is left of the row that did not name it."""
    with SqliteLedger.open(path) as ledger:
        ledger.write(replace(ENTRY, outcome=None))
        [written] = ledger.entries(flow="Flow", destination=SERVER, provider=ENTRY.provider)[1:]

        assert written.provider == ENTRY.provider
        assert ledger.entry("Flow/1", "service@x", SERVER) is None
        assert len(ledger.known()) == 3
    with closing(sqlite3.connect(path)) as file:
        assert len(file.execute("SELECT id FROM outcomes").fetchall()) == 2


def test_only_once(path: Path) -> None:
    """The next process finds the work done, under the same id."""
    with SqliteLedger.open(path) as ledger:
        before = ledger.id, ledger.known()
    with SqliteLedger.open(path) as ledger:
        assert (ledger.id, ledger.known()) == before


def test_cut_short(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is stopped in the middle of a step leaves the version before, whole."""

    def stopped(connection: sqlite3.Connection) -> None:
        whole(connection)
        raise KeyboardInterrupt

    whole = schema.STEPS[1]
    monkeypatch.setattr(schema, "STEPS", (schema.STEPS[0], stopped))
    with pytest.raises(KeyboardInterrupt), SqliteLedger.open(path):
        pass
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
        assert old.execute("SELECT count(*) FROM done").fetchone() == (3,)

    with SqliteLedger.open(path) as ledger:
        assert len(ledger.known()) == 3


def test_table_without_a_version(tmp_path: Path) -> None:
    """Version 1 could be killed before it wrote its number; its table is taken as it is."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute(VERSION_1)

    with SqliteLedger.open(path) as ledger:
        assert ledger.known() == []
