"""A ledger that was lost or damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from mfwb.errors import SinkError, UsageError
from mfwb.ledger import SqliteLedger, put_aside_if_damaged
from mfwb.outcome import WandbRunOutcome
from mfwb.pipeline.rebuild import Rebuilt, rebuild_ledger
from mfwb.ports import Destination, FoundFlowRun, Sink, Standing
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER
from tests.unit.memory import MemoryWandb

[DONE] = OUTCOME.wandb_runs
CUT_SHORT = replace(DONE, id="id2", name="Flow/2/end", complete=False, losses=())


def found(flow_run: str, *runs: WandbRunOutcome) -> FoundFlowRun:
    """Return what W&B has of a flow run."""
    return FoundFlowRun(flow_run, "local@/data", 5, "a group", runs)


@dataclass
class Remembering(MemoryWandb):
    """W&B that knows what it has; it may fail behind it."""

    has: tuple[FoundFlowRun, ...] = ()
    fails: bool = False

    def read_back(self, destination: Destination) -> Iterable[FoundFlowRun]:
        """Tell it."""
        assert destination == SERVER
        yield from self.has
        if self.fails:
            raise SinkError("W&B hung up")


def rebuilt(ledger: SqliteLedger, sink: Remembering) -> Rebuilt:
    """Rebuild a ledger of what W&B has."""
    return rebuild_ledger(ledger, cast(Sink, sink), SERVER)  # nothing else of it is asked


def test_what_wandb_has(tmp_path: Path) -> None:
    """What is complete counts as synced, by no plan; the rest is to be looked at again."""
    sink = Remembering(has=(found("Flow/1", DONE), found("Flow/2", DONE, CUT_SHORT)))
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        counts = rebuilt(ledger, sink)
        whole, part = (ledger.entry(name, "local@/data", SERVER) for name in ("Flow/1", "Flow/2"))

    assert counts == Rebuilt(SERVER, synced=1, incomplete=1)
    assert whole
    assert whole.outcome
    assert (whole.standing, whole.digest, whole.reason) == (Standing.SYNCED, "", "")
    assert whole.started_at == 5
    assert whole.outcome == replace(
        OUTCOME, group="a group", project="wines", entity="acme", mode="online", losses=()
    )
    assert part
    assert part.standing is Standing.INCOMPLETE
    assert part.reason == "1 of its 2 W&B runs are not complete"


def test_nothing_of_a_flow_run_is_not_all_of_it(tmp_path: Path) -> None:
    """A flow run without W&B runs is not synced."""
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        assert rebuilt(ledger, Remembering(has=(found("Flow/1"),))).incomplete == 1


def test_what_was_known_besides_stays(tmp_path: Path) -> None:
    """Flow runs that W&B does not have keep their standing, those that it has get it anew."""
    failed = replace(ENTRY, flow_run="Flow/9", standing=Standing.FAILED)
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(failed)
        ledger.write(ENTRY)
        rebuilt(ledger, Remembering(has=(found("Flow/1", CUT_SHORT),)))
        standings = {one.flow_run: one.standing for one in ledger.entries()}

    assert standings == {"Flow/1": Standing.INCOMPLETE, "Flow/9": Standing.FAILED}


def test_nothing_is_written_of_half_an_answer(tmp_path: Path) -> None:
    """If W&B hangs up in the middle, the ledger is what it was."""
    sink = Remembering(has=(found("Flow/1", DONE),), fails=True)
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(SinkError):
            rebuilt(ledger, sink)
        assert ledger.entries() == []


# --- damage ---------------------------------------------------------------------------------


def test_sound_ledger_stays(tmp_path: Path) -> None:
    """A ledger that is sound is left as it is, and so is nothing at all."""
    path = tmp_path / "ledger.sqlite"
    assert put_aside_if_damaged(path) is None

    with SqliteLedger.open(path) as ledger:
        ledger.write(ENTRY)
    before = path.read_bytes()

    assert put_aside_if_damaged(path) is None
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_newer_ledger_stays(tmp_path: Path) -> None:
    """What a newer mfwb wrote is not damaged."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 9")

    assert put_aside_if_damaged(path) is None
    with pytest.raises(UsageError, match="newer mfwb"), SqliteLedger.open(path):
        pass


def test_ledger_with_tables_of_others_is_put_aside(tmp_path: Path) -> None:
    """Nothing would open it again: `--rebuild` is the way out."""
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
    """What is no ledger is kept under another name, and makes room for one."""
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
    """Make a ledger that opens, but contradicts itself."""
    with SqliteLedger.open(path) as ledger:
        for number in range(200):
            ledger.write(replace(ENTRY, flow_run=f"Flow/{number}"))
    with path.open("r+b") as file:
        file.seek(-8 * 4096, 2)
        file.write(b"\xff" * 8 * 4096)


def test_damage_that_only_a_search_finds(tmp_path: Path) -> None:
    """A ledger that opens but contradicts itself is damaged, too."""
    path = tmp_path / "ledger.sqlite"
    damaged_inside(path)

    with SqliteLedger.open(path):
        pass
    assert put_aside_if_damaged(path)


def test_the_journal_goes_along(tmp_path: Path) -> None:
    """A journal that somebody is still writing would be played back into the next ledger."""
    path = tmp_path / "ledger.sqlite"
    damaged_inside(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        somebody.execute("UPDATE ledger SET id = 'half a write'")
        assert path.with_name("ledger.sqlite-journal").exists()
        aside = put_aside_if_damaged(path)

        assert aside
        names = sorted(one.name for one in tmp_path.iterdir())
        assert names == [aside.name, f"{aside.name}-journal"]
