"""Rebuild of a ledger from W&B."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from mfwb.errors import SinkError
from mfwb.ledger import SqliteLedger
from mfwb.outcome import WandbRunOutcome
from mfwb.pipeline.rebuild import Rebuilt, rebuild_ledger
from mfwb.ports import Destination, ExistingFlowRun, Sink, SyncState
from tests.support.fakes import MemoryWandb
from tests.unit.ledger.entries import ENTRY, OUTCOME, SERVER

[DONE] = OUTCOME.wandb_runs
CUT_SHORT = replace(DONE, id="id2", name="Flow/2/end", complete=False, losses=())


def found(flow_run: str, *runs: WandbRunOutcome) -> ExistingFlowRun:
    """Return a flow run as it is read back from W&B."""
    return ExistingFlowRun(flow_run, "local@/data", 5, "a group", runs)


@dataclass
class StoredFlowRuns(MemoryWandb):
    """W&B with some flow runs; reading them back may fail at the end."""

    has: tuple[ExistingFlowRun, ...] = ()
    fails: bool = False

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Yield the flow runs."""
        assert destination == SERVER
        yield from self.has
        if self.fails:
            raise SinkError("W&B hung up")


def rebuilt(ledger: SqliteLedger, sink: StoredFlowRuns) -> Rebuilt:
    """Rebuild a ledger from W&B."""
    return rebuild_ledger(ledger, cast(Sink, sink), SERVER)  # no other method is called


def test_rebuild_from_wandb(tmp_path: Path) -> None:
    """A complete flow run counts as synced, without a plan; the others are synced again."""
    sink = StoredFlowRuns(has=(found("Flow/1", DONE), found("Flow/2", DONE, CUT_SHORT)))
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        counts = rebuilt(ledger, sink)
        whole, part = (ledger.entry(name, "local@/data", SERVER) for name in ("Flow/1", "Flow/2"))

    assert counts == Rebuilt(SERVER, synced=1, incomplete=1)
    assert whole
    assert whole.outcome
    assert (whole.sync_state, whole.digest, whole.reason) == (SyncState.SYNCED, "", "")
    assert whole.started_at == 5
    assert whole.outcome == replace(
        OUTCOME, group="a group", project="wines", entity="acme", mode="online", losses=()
    )
    assert part
    assert part.sync_state is SyncState.INCOMPLETE
    assert part.reason == "1 of its 2 W&B runs are not complete"


def test_nothing_of_a_flow_run_is_not_all_of_it(tmp_path: Path) -> None:
    """A flow run without W&B runs does not count as synced."""
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        assert rebuilt(ledger, StoredFlowRuns(has=(found("Flow/1"),))).incomplete == 1


def test_other_entries_are_kept(tmp_path: Path) -> None:
    """Flow runs that W&B does not have keep their entries; those that it has get new ones."""
    failed = replace(ENTRY, flow_run="Flow/9", sync_state=SyncState.FAILED)
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(failed)
        ledger.write(ENTRY)
        rebuilt(ledger, StoredFlowRuns(has=(found("Flow/1", CUT_SHORT),)))
        states = {entry.flow_run: entry.sync_state for entry in ledger.entries()}

    assert states == {"Flow/1": SyncState.INCOMPLETE, "Flow/9": SyncState.FAILED}


def test_nothing_is_written_after_an_incomplete_answer(tmp_path: Path) -> None:
    """If the connection to W&B breaks, the ledger is not changed."""
    sink = StoredFlowRuns(has=(found("Flow/1", DONE),), fails=True)
    with SqliteLedger.open(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(SinkError):
            rebuilt(ledger, sink)
        assert ledger.entries() == []
