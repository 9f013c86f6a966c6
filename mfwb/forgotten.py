"""What `mfwb forget` removes, or has removed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfwb.ports import Entry

__all__ = ["Forgotten", "ForgottenFlowRun"]


@dataclass(frozen=True, slots=True)
class ForgottenFlowRun:
    """One flow run at one destination.

    Attributes:
        entry: of the ledger, as it was.
        wandb_runs: names of the W&B runs that were deleted, or that would be; by their ids.
        kept_runs: how many W&B runs in its group mfwb did not write, so that they stay.
        kept_artifacts: how many versions of W&B artifacts stay.
        reason: why it could not be forgotten; empty: it was.
    """

    entry: Entry
    wandb_runs: tuple[tuple[str, str], ...] = ()
    kept_runs: int = 0
    kept_artifacts: int = 0
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        destination = self.entry.destination
        return {
            "pathspec": self.entry.flow_run,
            "provider": self.entry.provider,
            "entity": destination.entity,
            "project": destination.project,
            "mode": destination.mode,
            "base": destination.base,
            "standing": self.entry.sync_state.value,
            "reason": self.reason or None,
            "wandb_runs": [{"id": run_id, "name": name} for run_id, name in self.wandb_runs],
            "kept_wandb_runs": self.kept_runs,
            "kept_artifacts": self.kept_artifacts,
        }


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What `mfwb forget` shows.

    Attributes:
        ledger: the path of the ledger's file.
        flow_runs: the selected flow runs, by pathspec.
        is_plan: whether nothing was removed yet.
        deletes: whether W&B runs are deleted, too.
    """

    ledger: str
    flow_runs: tuple[ForgottenFlowRun, ...]
    is_plan: bool
    deletes: bool

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 1 if some flow run could not be forgotten."""
        return int(any(flow_run.reason for flow_run in self.flow_runs))

    @property
    def wandb_runs(self) -> int:
        """The number of W&B runs that were deleted, or that would be."""
        return sum(len(run.wandb_runs) for run in self.flow_runs)

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        return {
            "version": 1,
            "command": "forget",
            "ledger": self.ledger,
            "dry_run": self.is_plan,
            "delete_in_wandb": self.deletes,
            "flow_runs": [run.to_dict() for run in self.flow_runs],
        }
