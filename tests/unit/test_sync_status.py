"""The sync status of flow runs, in numbers."""

from __future__ import annotations

from dataclasses import replace

from mfwb.ports import Destination, Entry, SyncState
from mfwb.snapshot import Loss
from mfwb.sync_status import FlowSyncStatus, KnownFlowRun, LostItem
from tests.support.json_documents import strict_validator
from tests.unit.sync_statuses import summarize

WINES = Destination("online", "https://wandb.example", "acme", "wines")
BUNDLE = Destination("offline", "/bundle", None, "wines")


def known(flow_run: str, standing: SyncState, lost: int = 0, **facts: object) -> KnownFlowRun:
    """Return what is known of a flow run."""
    entry = Entry(flow_run, "local@/data", WINES, standing, at="2026-11-01T00:00:00Z")
    return KnownFlowRun(replace(entry, **facts), lost)  # type: ignore[arg-type]


ALL = [known(f"Flow/{number}", state, lost=1) for number, state in enumerate(SyncState)]


def test_each_standing_is_counted_once() -> None:
    """Synced, pending, failed and left out are all there is."""
    [row] = summarize("path", ALL, ()).flows

    assert row == FlowSyncStatus(
        "Flow", WINES, synced=1, pending=3, failed=1, left_out=1, lost=6, newest=ALL[0].entry.at
    )
    assert row.synced + row.pending + row.failed + row.left_out == len(SyncState)


def test_newest_is_that_of_the_synced() -> None:
    """When something was synced last, other news don't say."""
    [row] = summarize(
        "path",
        [
            known("Flow/1", SyncState.SYNCED, at="2026-11-02T00:00:00Z"),
            known("Flow/2", SyncState.SYNCED, at="2026-11-01T00:00:00Z"),
            known("Flow/3", SyncState.FAILED, at="2026-11-03T00:00:00Z"),
        ],
        (),
    ).flows

    assert row.newest == "2026-11-02T00:00:00Z"


def test_a_row_for_each_flow_and_destination() -> None:
    """Rows stand by flow, then by where they go."""
    rows = summarize(
        "path",
        [
            known("Other/1", SyncState.SYNCED),
            known("Flow/1", SyncState.SYNCED),
            known("Flow/1", SyncState.SYNCED, destination=BUNDLE),
            known("Flow/2", SyncState.FAILED),
        ],
        (),
    ).flows

    assert [(row.flow, row.destination, row.synced) for row in rows] == [
        ("Flow", BUNDLE, 1),
        ("Flow", WINES, 1),
        ("Other", WINES, 1),
    ]


def test_failed_ones_first() -> None:
    """What is open stands by urgency: what failed, then the oldest."""
    result = summarize(
        "path",
        [
            known("Flow/1", SyncState.RUNNING, started_at=1),
            known("Flow/2", SyncState.FAILED, started_at=2),
            known("Flow/3", SyncState.SYNCED, started_at=0),
            known("Flow/4", SyncState.BEGUN, started_at=0),
        ],
        (),
    )

    assert [item.flow_run for item in result.open] == ["Flow/2", "Flow/4", "Flow/1"]


def test_document() -> None:
    """The document has all that is counted, and what is open."""
    failed = known("Flow/7", SyncState.FAILED, reason="gone", started_at=5, state="finished")
    lost = LostItem("Flow/7", failed.entry.destination, Loss("Flow/7/a/1/x", "gone"))
    result = summarize("path", [failed], [lost])
    document = result.to_dict()

    assert result.losses == (lost.loss,)

    assert strict_validator("status").is_valid(document)
    assert document["flow_runs"] == [{**document["open"][0], "lost": 0}]
    assert {name: value for name, value in document.items() if name != "flow_runs"} == {
        "version": 1,
        "command": "status",
        "ledger": "path",
        "flows": [
            {
                "flow": "Flow",
                "entity": "acme",
                "project": "wines",
                "mode": "online",
                "base": "https://wandb.example",
                "synced": 0,
                "pending": 0,
                "failed": 1,
                "left_out": 0,
                "lost": 0,
                "newest": None,
            }
        ],
        "more": 0,
        "open": [
            {
                "pathspec": "Flow/7",
                "standing": "failed",
                "reason": "gone",
                "since": "2026-11-01T00:00:00Z",
                "started_at": 5,
                "state": "finished",
                "provider": "local@/data",
                "entity": "acme",
                "project": "wines",
                "mode": "online",
                "base": "https://wandb.example",
            }
        ],
        "losses": [
            {
                "pathspec": "Flow/7",
                "item": "Flow/7/a/1/x",
                "reason": "gone",
                "entity": "acme",
                "project": "wines",
                "mode": "online",
                "base": "https://wandb.example",
            }
        ],
    }
