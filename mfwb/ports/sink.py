"""Sink: a destination in W&B, what exists there, and a session that writes W&B runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mfwb.outcome import OutputOutcome, WandbRunOutcome
from mfwb.planning import InputArtifact, Plan, PlannedRun
from mfwb.ports.payloads import AppliedRule, ReadyRun
from mfwb.redaction import Masked
from mfwb.request_budget import RequestBudget
from mfwb.snapshot import Loss
from mfwb.snapshot.pathspec import FlowRunId

__all__ = [
    "Destination",
    "ExistingFlowRun",
    "ExistingWandbRun",
    "OwnRun",
    "Session",
    "Sink",
    "WrittenRun",
]


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination of W&B runs: a server, or a bundle on disk."""

    mode: str  # online or offline
    base: str  # the server's URL, or the bundle's folder
    entity: str | None
    project: str


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """One W&B run after it was written.

    Attributes:
        id: in W&B; not the planned id if a run of that id had been deleted.
        location: its URL, or the folder of an offline W&B run; empty if it was deleted.
        outputs: the artifacts that it logged.
        losses: what W&B did not get, beside the losses of its payload.
        complete: False: another try may complete it.
        deleted: somebody deleted it in W&B, so it is not written again.
        trouble: the error of W&B because of which it is not complete.
        updated: it existed, and its metadata was updated.
        edits_kept: what others had changed of what mfwb wrote, and that was kept.
        edits_undone: the same, but it was overwritten.
        log_lines: the number of lines of its log; None: not known.
        log_bytes_left_out: how many bytes of its log were too many for the Logs tab.
        masked: the items in which secrets were masked.
        bytes_written: of the files that were uploaded, or written into the bundle, for it.
        refused: how many of its requests W&B refused at first because they were too many.
    """

    id: str
    location: str
    outputs: tuple[OutputOutcome, ...]
    losses: tuple[Loss, ...]
    complete: bool = True
    deleted: bool = False
    trouble: str = ""
    updated: bool = False
    edits_kept: tuple[str, ...] = ()
    edits_undone: tuple[str, ...] = ()
    log_lines: int | None = None
    log_bytes_left_out: int = 0
    masked: tuple[Masked, ...] = ()
    bytes_written: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ExistingFlowRun:
    """A flow run in W&B that mfwb synced, or began to sync.

    Attributes:
        flow_run: its pathspec.
        provider: the metadata provider that it was read from.
        started_at: epoch ms.
        group: the group of its W&B runs.
        wandb_runs: those that exist, by name; `complete` only if all that was planned exists.
    """

    flow_run: str
    provider: str
    started_at: int
    group: str
    wandb_runs: tuple[WandbRunOutcome, ...]


@dataclass(frozen=True, slots=True)
class ExistingWandbRun:
    """A planned W&B run as W&B has it, for a plan.

    Attributes:
        id: its id in W&B; of one that was deleted, the planned id.
        url: its URL; empty if it was deleted.
        fingerprint: of the plan that it is complete for; empty: it is not complete.
        uses: the artifacts that it uses, by name and producer; None: W&B does not say.
        outputs: the artifacts that its sync noted in it; None: it noted none.
        losses: those that its sync noted in it.
        changes: what of its texts a sync would change, as in "tag + prod".
        edits_kept: what others changed of these texts, and a sync would keep.
        edits_undone: the same, but it would be overwritten.
        deleted: an earlier sync wrote it, and it is gone.
        is_open: another process may be writing it now.
    """

    id: str
    url: str = ""
    fingerprint: str = ""
    uses: tuple[str, ...] | None = None
    outputs: tuple[OutputOutcome, ...] | None = None
    losses: tuple[Loss, ...] = ()
    changes: tuple[str, ...] = ()
    edits_kept: tuple[str, ...] = ()
    edits_undone: tuple[str, ...] = ()
    deleted: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class OwnRun:
    """A W&B run that mfwb wrote from a certain flow run.

    Attributes:
        id: in W&B.
        name: that W&B shows.
        writer: the id of the ledger that it was written with.
        is_open: whether a process may be writing it.
    """

    id: str
    name: str
    writer: str
    is_open: bool


class Session(Protocol):
    """A session with W&B for one flow run."""

    def find_existing(self, run: PlannedRun) -> WrittenRun | None:
        """Return an existing W&B run if only metadata and used artifacts may differ; else None."""
        ...

    def update(
        self, run: PlannedRun, existing: WrittenRun, rules: Mapping[str, AppliedRule]
    ) -> WrittenRun:
        """Update the metadata of an existing W&B run, and the artifacts that it uses. SinkError.

        Metadata is names, tags and config. It waits as `write` does.

        Args:
            run: the planned W&B run.
            existing: what `find_existing` returned.
            rules: what the settings' rules give to its artifacts, by their planned names.
        """
        ...

    def enqueue(self, run: PlannedRun) -> None:
        """Note that a W&B run will be written, after those that were noted before.

        Its artifacts get their version numbers after those of the same names of these. Those whose
        artifacts it uses have to be noted before. Workers take W&B runs in this order.
        """
        ...

    def dequeue(self, run: PlannedRun, *, written: bool) -> None:
        """Note that a W&B run was written, or will not be: no other one waits for it."""
        ...

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run as planned; thread-safe. SinkError.

        It waits for those whose artifacts it uses; CancelledError if one was not written.
        """
        ...

    def confirm(self) -> Mapping[str, tuple[Loss, ...]]:
        """Check with W&B that all that was written has arrived; SinkError if it has not.

        Returns:
            The losses that this check shows, by the names of W&B runs.
        """
        ...


class Sink(Protocol):
    """Writes to W&B."""

    @property
    def request_budget(self) -> RequestBudget:
        """The budget of requests that all workers of a call share."""
        ...

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None: the sink is a server."""
        ...

    def destination(self, flow: str) -> Destination:
        """Return the destination of the runs of a flow; its entity may remain unknown.

        If no entity is given, and this call may send requests, W&B is asked for the entity of the
        credentials; Unreachable if it does not answer, or refuses them.
        """
        ...

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Return all flow runs of mfwb at a destination, with a request per 100 W&B runs.

        SinkError, Unreachable.
        """
        ...

    def prefetch(self, destination: Destination, groups: Sequence[str]) -> None:
        """Read all W&B runs of some groups at once, so that `open` sends no request for each.

        SinkError.
        """
        ...

    def existing(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> Mapping[str, ExistingWandbRun]:
        """Return those of the planned W&B runs that exist or were deleted, by planned id.

        It only reads. A bundle has none: its ledger knows all. Arguments and errors as of `open`.
        """
        ...

    def has_logged(self, plan: Plan, used: InputArtifact) -> bool:
        """Return whether W&B has an artifact of another flow run; errors as of `open`."""
        ...

    def find_ids(self, destination: Destination, groups: Sequence[str]) -> frozenset[str]:
        """Return the ids of all W&B runs of some groups, hundreds with a request; SinkError."""
        ...

    def find_own_runs(
        self,
        destination: Destination,
        source: FlowRunId,
        *,
        group: str,
        wandb_runs: Collection[str],
    ) -> tuple[list[OwnRun], int]:
        """Return the W&B runs of a flow run, and the number of others' that are among them.

        Args:
            destination: where they are; an online one.
            source: the flow run that they were written from.
            group: their group.
            wandb_runs: ids of some that may have left the group.

        Raises:
            SinkError, Unreachable: W&B does not answer.
        """
        ...

    def delete_run(self, destination: Destination, run: OwnRun) -> None:
        """Delete a W&B run; its artifacts stay. It is no error if it is gone. SinkError."""
        ...

    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),
        forgotten: Collection[str] = (),
    ) -> AbstractContextManager[Session]:
        """Read what exists, and open a session to write; NotOurs, SinkError, Unreachable.

        Args:
            plan: of a flow run.
            writer: the id of the ledger, which shows other machines who writes.
            written: ids of W&B runs that existed once; those that are gone were deleted.
            forgotten: ids of W&B runs that a user had deleted by mfwb, and that may be written
                anew.
        """
        ...
