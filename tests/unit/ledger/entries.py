"""Entries for tests of the ledger."""

from __future__ import annotations

from mfwb.outcome import FlowRunOutcome, ItemCounts, OutputOutcome, Status, WandbRunOutcome
from mfwb.ports import Destination, Entry, SyncState
from mfwb.snapshot import Loss

SERVER = Destination("online", "https://wandb.example", "acme", "wines")

OUTCOME = FlowRunOutcome(
    "Flow/1",
    Status.SYNCED,
    group="Flow/1",
    wandb_runs=(
        WandbRunOutcome(
            "id", "Flow/1/start", "start", "finished",
            outputs=(OutputOutcome("x", "dataset", "d", 1, ("x.parquet",), version="v0"),),
            items=ItemCounts(total=1, written=1),
            losses=(Loss("y", "too large"),),
        ),
    ),
    losses=(Loss("ü", "gone"),),
)  # fmt: skip

ENTRY = Entry(
    flow_run="Flow/1",
    provider="local@/data",
    destination=SERVER,
    sync_state=SyncState.SYNCED,
    state="finished",
    started_at=1_700_000_000_000,
    listed="a\nb",
    settings_stamp="stamp",
    digest="digest",
    reason="",
    outcome=OUTCOME,
)
