"""Known entities: where W&B is not asked, the ledger says to which entity a flow was synced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mfwb.planning import InputArtifact, Plan
from mfwb.ports import (
    Destination,
    ExistingFlowRun,
    ExistingWandbRun,
    Ledger,
    OwnRun,
    Session,
    Sink,
)
from mfwb.request_budget import RequestBudget
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["SinkWithKnownEntities"]


@dataclass(frozen=True, slots=True)
class SinkWithKnownEntities:
    """A sink whose destinations have the entity of earlier syncs, if none was given.

    If the ledger has a flow under several entities of one server, it stays unknown.
    """

    sink: Sink
    ledger: Ledger
    _known: dict[str, Destination] = field(default_factory=dict)

    @property
    def request_budget(self) -> RequestBudget:
        """The budget of requests that all workers of a call share."""
        return self.sink.request_budget

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None: the sink is a server."""
        return self.sink.bundle

    def destination(self, flow: str) -> Destination:
        """Return the destination of the runs of a flow; its entity may remain unknown."""
        if flow not in self._known:
            self._known[flow] = self._find(flow)
        return self._known[flow]

    def _find(self, flow: str) -> Destination:
        destination = self.sink.destination(flow)
        if destination.entity is not None:
            return destination
        entities = {
            entry.destination.entity
            for entry in self.ledger.entries(flow=flow)
            if replace(entry.destination, entity=None) == destination
        }
        return replace(destination, entity=entities.pop()) if len(entities) == 1 else destination

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Return all flow runs of mfwb at a destination."""
        return self.sink.list_flow_runs(destination)

    def prefetch(self, destination: Destination, groups: Sequence[str]) -> None:
        """Read all W&B runs of some groups at once."""
        self.sink.prefetch(destination, groups)

    def existing(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> Mapping[str, ExistingWandbRun]:
        """Return those of the planned W&B runs that exist or were deleted, by planned id."""
        return self.sink.existing(plan, writer=writer, written=written)

    def has_logged(self, plan: Plan, used: InputArtifact) -> bool:
        """Return whether W&B has an artifact of another flow run."""
        return self.sink.has_logged(plan, used)

    def find_ids(self, destination: Destination, groups: Sequence[str]) -> frozenset[str]:
        """Return the ids of all W&B runs of some groups."""
        return self.sink.find_ids(destination, groups)

    def find_own_runs(
        self,
        destination: Destination,
        source: FlowRunId,
        *,
        group: str,
        wandb_runs: Collection[str],
    ) -> tuple[list[OwnRun], int]:
        """Return the W&B runs of a flow run, and the number of others' that are among them."""
        return self.sink.find_own_runs(destination, source, group=group, wandb_runs=wandb_runs)

    def delete_run(self, destination: Destination, run: OwnRun) -> None:
        """Delete a W&B run; its artifacts stay."""
        self.sink.delete_run(destination, run)

    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),
        forgotten: Collection[str] = (),
    ) -> AbstractContextManager[Session]:
        """Open a session to write."""
        return self.sink.open(plan, writer=writer, written=written, forgotten=forgotten)
