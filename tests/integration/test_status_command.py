"""`mfwb status`, of real flow runs that were synced to a W&B stand-in."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

Sync = Callable[..., Finished]
FlowRuns = Callable[[str], str]


def test_a_damaged_ledger_is_rebuilt(
    sync: Sync, online: Sandbox, project: str, w_and_b: WandbServer, flow_run: FlowRuns
) -> None:
    """What W&B has counts as synced again, and the next sync finds nothing to do."""
    pathspec = flow_run("linear_flow")
    flow = pathspec.split("/")[0]
    sync(pathspec)
    before = w_and_b.state.snapshot()
    [row] = online.mfwb("status", "--json").document["flows"]
    ledger = online.root / "state" / "ledger.sqlite"
    ledger.write_bytes(b"garbage" * 100)
    refused = online.mfwb("status")

    rebuilt = online.mfwb("status", "--rebuild", "--json", "--project", project)

    assert refused.code == 2
    assert "mfwb status --rebuild" in refused.err
    assert rebuilt.code == 0, rebuilt.err
    assert "has 1 synced and 0 incomplete flow runs\n" in rebuilt.err
    [aside] = (online.root / "state").glob("ledger.sqlite.corrupt-*")
    assert f"mfwb: the damaged ledger was renamed to {aside}\n" in rebuilt.err
    assert aside.read_bytes() == b"garbage" * 100
    [result] = rebuilt.document["flows"]
    assert {**result, "newest": ""} == {**row, "newest": ""}
    assert (result["flow"], result["synced"], rebuilt.document["open"]) == (flow, 1, [])

    w_and_b.clear_requests()
    again = sync(pathspec)

    assert again.document["flow_runs"][0]["status"] == "unchanged"
    assert w_and_b.count("UpsertBucket") == 0
    assert w_and_b.state.snapshot() == before
