"""What `mfwb forget` says."""

from __future__ import annotations

from mfwb.forgotten import Forgotten, ForgottenFlowRun
from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.forgotten import show_forgotten

ENTRY = Entry(
    "WineFlow/7",
    "local@/data",
    Destination("online", "https://wandb.example", "acme", "wines"),
    SyncState.SYNCED,
)


def test_what_stays_is_said_only_if_there_is_any() -> None:
    """Flow runs that logged no artifact leave none behind."""

    def deleted(kept_artifacts: int) -> str:
        flow_run = ForgottenFlowRun(ENTRY, kept_artifacts=kept_artifacts)
        forgotten = Forgotten("/ledger", (flow_run,), is_plan=False, deletes=True)
        return show_forgotten(forgotten, as_json=False)[0]

    assert "stay in W&B: 2 versions\n" in deleted(2)
    assert "versions" not in deleted(0)
    assert "W&B runs anew" in deleted(0)
