"""The sync of one shard, into a ledger of its own: in a process of a backfill, or in a task."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mfwb.api import with_plugins
from mfwb.config import Settings
from mfwb.ledger import put_aside_if_damaged
from mfwb.outcome import Result
from mfwb.pipeline import retry_with_new_ledger, sync_flow_runs
from mfwb.pipeline.selection import Selection
from mfwb.ports import Progress
from mfwb.snapshot.pathspec import Pathspec, flow_of
from mfwb.wiring import wire

__all__ = ["shard_selection", "sync_shard"]


def shard_selection(flow_runs: Collection[str], *, failed: bool | None) -> Selection:
    """Return the selection of exactly these flow runs, from the listings of their flows.

    Listed flow runs are looked up in W&B many at once, unlike those that a user names.
    """
    flows = dict.fromkeys(map(flow_of, flow_runs))
    return Selection(
        tuple(map(Pathspec, flows)), every=True, failed=failed, only=frozenset(flow_runs)
    )


def sync_shard(
    flow_runs: Collection[str],
    settings: Settings,
    progress: Progress,
    *,
    failed: bool | None,
    ledger: Path,
) -> Result:
    """Sync the flow runs of one shard, in the order of time, and return the result.

    Args:
        flow_runs: their pathspecs.
        settings: of the backfill.
        progress: is notified of the work.
        failed: as in `Selection`.
        ledger: of the shard.

    Raises:
        UsageError: for a setting that is wrong.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
        LockHeld: if an earlier process still works on this shard.
    """
    selection = shard_selection(flow_runs, failed=failed)
    settings = with_plugins(settings)

    def action() -> Result:
        with wire(settings, progress, may_ask=True, ledger_file=ledger) as parts:
            return sync_flow_runs(selection, settings, parts)

    return retry_with_new_ledger(action, put_aside_if_damaged)
