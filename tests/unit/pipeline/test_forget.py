"""Forgetting flow runs: what is removed, in which order, and what is left alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from mfwb.errors import SinkError
from mfwb.ledger import SqliteLedger
from mfwb.pipeline.forget import forget_entries, look_up
from mfwb.ports import Destination, Entry, OwnRun, Sink, SyncState
from mfwb.snapshot.pathspec import FlowRunId
from tests.unit.ledger.entries import ENTRY, SERVER


@dataclass
class Server:
    """W&B with the W&B runs of one flow run; a deletion may fail, or be the last thing it does."""

    runs: list[OwnRun]
    others: int = 0
    fails_after: int = 100
    error: type[BaseException] = SinkError
    deleted: list[str] = field(default_factory=list)

    def find_own_runs(
        self,
        destination: Destination,
        source: FlowRunId,
        *,
        group: str,
        wandb_runs: Collection[str],
    ) -> tuple[list[OwnRun], int]:
        """Return what is there."""
        assert (destination, source.flow_run, group) == (SERVER, "Flow/1", "Flow/1")
        assert list(wandb_runs) == ["id"]
        return list(self.runs), self.others

    def delete_run(self, destination: Destination, run: OwnRun) -> None:
        """Delete one."""
        assert destination == SERVER
        if len(self.deleted) >= self.fails_after:
            raise self.error("W&B hung up")
        self.runs.remove(run)
        self.deleted.append(run.id)


def run(run_id: str, writer: str, *, is_open: bool = False) -> OwnRun:
    """Return a W&B run of the flow run."""
    return OwnRun(run_id, f"Flow/1/{run_id}", writer, is_open=is_open)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """Return a ledger with one flow run."""
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as opened:
        opened.write(ENTRY)
        yield opened


def forget(ledger: SqliteLedger, server: Server | None) -> str:
    """Forget the flow run, and return why that was not possible."""

    def find(entry: Entry) -> Entry | None:
        return ledger.entry(entry.flow_run, entry.provider, entry.destination)

    [done] = forget_entries([ENTRY], ledger, find, cast("Sink | None", server))
    return done.reason


def state(ledger: SqliteLedger) -> SyncState | None:
    """Return what the ledger has of the flow run."""
    entry = ledger.entry(ENTRY.flow_run, ENTRY.provider, ENTRY.destination)
    return entry.sync_state if entry else None


def test_only_the_ledger(ledger: SqliteLedger) -> None:
    """Without a server, nothing is remembered that a sync would write anew."""
    assert forget(ledger, None) == ""
    assert state(ledger) is None
    assert ledger.forgotten(SERVER) == frozenset()


def test_a_plan_changes_nothing(ledger: SqliteLedger) -> None:
    """It says what would be deleted, and what would stay."""
    server = Server([run("a", ledger.id)], others=2)

    [planned] = look_up([ENTRY], cast("Sink", server))

    assert planned.wandb_runs == (("a", "Flow/1/a"),)
    assert (planned.kept_runs, planned.kept_artifacts) == (2, 1)
    assert (state(ledger), server.deleted) == (SyncState.SYNCED, [])


@pytest.mark.parametrize("error", [SinkError, KeyboardInterrupt])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_stopped_at_any_moment(
    ledger: SqliteLedger, after: int, error: type[BaseException]
) -> None:
    """The next call ends where one call would have ended; until then the entry is open."""
    server = Server([run(name, ledger.id) for name in "abc"], fails_after=after, error=error)
    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            forget(ledger, server)
    else:
        assert forget(ledger, server) == "W&B hung up"
    assert state(ledger) is SyncState.BEGUN
    assert ledger.forgotten(SERVER) == {"a", "b", "c"}
    server.fails_after = 100

    assert forget(ledger, server) == ""

    assert (server.runs, state(ledger)) == ([], None)
    assert ledger.forgotten(SERVER) == {"a", "b", "c"}


def test_what_another_machine_writes_stays(ledger: SqliteLedger) -> None:
    """It may be in the middle of a sync; an interrupted one with this ledger is no hindrance."""
    own, foreign = run("a", ledger.id, is_open=True), run("b", "another", is_open=True)

    assert forget(ledger, Server([own, foreign])).startswith("another machine may be writing")
    assert state(ledger) is SyncState.SYNCED
    assert forget(ledger, Server([own])) == ""
    assert state(ledger) is None
