"""W&B's side: a destination, what exists there, and a session that writes W&B runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mfwb.outcome import OutputOutcome, WandbRunOutcome
from mfwb.planning import Plan, PlannedRun
from mfwb.ports.payloads import ReadyRun
from mfwb.snapshot import Loss

__all__ = [
    "Destination",
    "FoundFlowRun",
    "Session",
    "Sink",
    "WrittenRun",
]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where W&B runs go: a server, or a bundle on disk."""

    mode: str  # online or offline
    base: str  # the server's URL, or the bundle's folder
    entity: str | None
    project: str


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """What became of one W&B run.

    Attributes:
        id: in W&B; another one than planned if that had been deleted.
        place: its URL, or the folder of an offline W&B run; empty if it was deleted.
        outputs: the artifacts that it logged.
        losses: what did not reach it, beside what was lost on the way to it.
        complete: False: something may yet arrive if it is tried again.
        deleted: somebody deleted it in W&B, so it stays away.
        trouble: what was wrong with W&B, if that is why it is not complete.
        amended: it was there, and its words were brought up to date.
        edits_kept: what others had changed there of what mfwb wrote, and that stayed.
        edits_undone: the same, that was written over.
    """

    id: str
    place: str
    outputs: tuple[OutputOutcome, ...]
    losses: tuple[Loss, ...]
    complete: bool = True
    deleted: bool = False
    trouble: str = ""
    amended: bool = False
    edits_kept: tuple[str, ...] = ()
    edits_undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundFlowRun:
    """What W&B says of a flow run that mfwb synced, or began to.

    Attributes:
        flow_run: its pathspec.
        provider: where it was read.
        started_at: epoch ms.
        group: the group of its W&B runs.
        wandb_runs: those that are there, by name; `complete` only if all is there that was planned.
    """

    flow_run: str
    provider: str
    started_at: int
    group: str
    wandb_runs: tuple[WandbRunOutcome, ...]


class Session(Protocol):
    """W&B, opened for one flow run."""

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return what is there of a W&B run, if that is all but for words and uses; else None."""
        ...

    def amend(self, run: PlannedRun, found: WrittenRun) -> WrittenRun:
        """Bring the words of a W&B run that was found up to date, and what it uses. SinkError.

        Words are names, tags and config. What it uses has to have been written before.
        """
        ...

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Make one W&B run say what was planned; thread-safe within a level. SinkError."""
        ...

    def confirm(self) -> Mapping[str, tuple[Loss, ...]]:
        """Ask W&B whether all that was written has arrived; SinkError if it has not.

        Returns:
            What was seen then that can't be mended, by the names of W&B runs.
        """
        ...


class Sink(Protocol):
    """W&B."""

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None: it goes to a server."""
        ...

    def destination(self, flow: str) -> Destination:
        """Return where the runs of a flow go; its entity may remain unknown.

        If W&B may be asked in this call, it is, for the entity that the credentials stand for, if
        none was given; Unreachable if it can't be, or refuses them.
        """
        ...

    def read_back(self, destination: Destination) -> Iterable[FoundFlowRun]:
        """Return all flow runs that W&B has from mfwb there, with a request per 100 W&B runs.

        SinkError, Unreachable.
        """
        ...

    def look_ahead(self, destination: Destination, groups: Sequence[str]) -> None:
        """Ask for all W&B runs of some groups at once, so that `open` need not ask for each.

        SinkError.
        """
        ...

    def open(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> AbstractContextManager[Session]:
        """Look at what is there, and get ready to write; NotOurs, SinkError, Unreachable.

        Args:
            plan: of a flow run.
            writer: the id of the ledger, which tells others who is at work.
            written: ids of W&B runs that were there once; those that are gone were deleted.
        """
        ...
