"""What `mfwb forget` removes, or has removed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typing_extensions import TypedDict

from mfwb.ports import Entry
from mfwb.sync_status import DestinationDocument

__all__ = ["Forgotten", "ForgottenDocument", "ForgottenFlowRun"]


class ForgottenRunDocument(TypedDict):
    """A W&B run that was deleted, or that would be.

    Attributes:
        id: in W&B.
        name: that W&B showed.
    """

    id: str
    name: str


class ForgottenFlowRunDocument(DestinationDocument):
    """A flow run at one destination.

    Attributes:
        pathspec: of the flow run.
        provider: the metadata provider that it was read from; empty: not known.
        standing: how far its sync had come.
        reason: why it could not be forgotten; null: it was, or would be.
        wandb_runs: those that were deleted, or that would be.
        kept_wandb_runs: how many W&B runs in its group mfwb did not write, so that they stay.
        kept_artifacts: how many versions of W&B artifacts stay.
    """

    pathspec: str
    provider: str
    standing: str
    reason: str | None
    wandb_runs: list[ForgottenRunDocument]
    kept_wandb_runs: int
    kept_artifacts: int


class ForgottenDocument(TypedDict):
    """What `mfwb forget` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: forget.
        ledger: path of the ledger's file.
        dry_run: whether nothing was removed.
        delete_in_wandb: whether W&B runs are deleted, too.
        flow_runs: the selected flow runs.
    """

    version: Literal[1]
    command: str
    ledger: str
    dry_run: bool
    delete_in_wandb: bool
    flow_runs: list[ForgottenFlowRunDocument]


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

    def to_dict(self) -> ForgottenFlowRunDocument:
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

    def to_dict(self) -> ForgottenDocument:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        return {
            "version": 1,
            "command": "forget",
            "ledger": self.ledger,
            "dry_run": self.is_plan,
            "delete_in_wandb": self.deletes,
            "flow_runs": [run.to_dict() for run in self.flow_runs],
        }
