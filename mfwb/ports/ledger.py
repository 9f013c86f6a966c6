"""The ledger: what was done for each flow run at each destination."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mfwb.outcome import FlowRunOutcome
from mfwb.ports.sink import Destination

__all__ = [
    "Entry",
    "Ledger",
    "SyncState",
]


class SyncState(str, Enum):
    """The sync state of a flow run at a destination."""

    BEGUN = "begun"  # being written, or writing was interrupted
    RUNNING = "running"  # it was still running in Metaflow
    FAILED = "failed"  # it could not be synced
    INCOMPLETE = "incomplete"  # synced, but another try may complete it
    SYNCED = "synced"
    LEFT_OUT = "left out"  # the selection excluded failed flow runs, or all others

    @property
    def is_open(self) -> bool:
        """Whether the next sync has to process it, however long ago it started."""
        return self not in (SyncState.SYNCED, SyncState.LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Entry:
    """The record of one flow run at one destination.

    Attributes:
        flow_run: its pathspec.
        provider: the metadata provider that it was read from.
        destination: where its W&B runs go.
        sync_state: how far it has come.
        state: its state in Metaflow when it was last read; empty: not read yet.
        started_at: epoch ms.
        listed: the stamp of the listing at the last sync; empty: it was not listed.
        settings_stamp: the stamp of the settings of that sync.
        digest: of the plan that was carried out.
        reason: why it is not synced.
        outcome: what was done; None: nothing, or the outcome was not requested.
        at: when this was written, ISO 8601 in UTC; the ledger fills it in.
    """

    flow_run: str
    provider: str
    destination: Destination
    sync_state: SyncState
    state: str = ""
    started_at: int = 0
    listed: str = ""
    settings_stamp: str = ""
    digest: str = ""
    reason: str = ""
    outcome: FlowRunOutcome | None = None
    at: str = ""


class Ledger(Protocol):
    """The record of what was done, written after it was done."""

    @property
    def id(self) -> str:
        """The id of this ledger, which no other ledger has; it never changes."""
        ...

    def lock(
        self, destinations: Iterable[Destination], *, wait: float
    ) -> AbstractContextManager[None]:
        """Lock some entities and projects for this sync; others with this ledger have to wait.

        LockHeld if another sync has locked one of them and does not end within `wait` seconds.
        """
        ...

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return the entry of a flow run at a destination, with its outcome; None: no entry."""
        ...

    def entries_of(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, Entry]:
        """Return the entries of some flow runs at a destination, by pathspec.

        Their outcomes are what a call shows that finds them unchanged: None if there is none, or if
        this version can't read it.
        """
        ...

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        sync_state: SyncState | None = None,
        is_open: bool = False,
    ) -> list[Entry]:
        """Return entries without outcomes, the oldest flow run first.

        Args:
            provider: only of flow runs that were read from there.
            destination: only of this destination.
            flow: only of this flow.
            sync_state: only of flow runs in this sync state.
            is_open: only of flow runs that the next sync has to process.
        """
        ...

    def stamps(
        self, flow_runs: Collection[str], provider: str, destination: Destination
    ) -> Mapping[str, str]:
        """Return the stamp of the listing of those flow runs that are synced, by pathspec."""
        ...

    def write(self, entry: Entry) -> None:
        """Write an entry; it replaces that of the same flow run and destination."""
        ...

    def remove(self, entries: Iterable[Entry]) -> None:
        """Remove entries, all of them or none."""
        ...

    def begin_deletion(self, entry: Entry, wandb_runs: Iterable[str]) -> None:
        """Write that the user has W&B runs of a flow run deleted; until the end it is open."""
        ...

    def forgotten(self, destination: Destination) -> frozenset[str]:
        """Return the ids of the W&B runs that a user had deleted by mfwb at a destination."""
        ...
