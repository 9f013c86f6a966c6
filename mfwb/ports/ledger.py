"""The ledger: what was done for each flow run at each destination."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mfwb.outcome import FlowRunOutcome
from mfwb.ports.sink import Destination

__all__ = [
    "Entry",
    "Ledger",
    "Standing",
]


class Standing(str, Enum):
    """How far a flow run has come at a destination."""

    BEGUN = "begun"  # being written, or that was cut short
    RUNNING = "running"  # Metaflow was not done with it
    FAILED = "failed"  # it could not be synced
    INCOMPLETE = "incomplete"  # synced, but something may arrive if it is tried again
    SYNCED = "synced"
    LEFT_OUT = "left out"  # failed flow runs were not asked for, or no others

    @property
    def is_open(self) -> bool:
        """Whether the next sync has to look at it, however long ago it started."""
        return self not in (Standing.SYNCED, Standing.LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger holds of one flow run at one destination.

    Attributes:
        flow_run: its pathspec.
        provider: where it was read.
        destination: where it goes.
        standing: how far it has come.
        state: Metaflow's, when it was read last; empty: not read yet.
        started_at: epoch ms.
        listed: the stamp of the listing that the last sync saw; empty: it saw none.
        asked: the stamp of the settings of that sync.
        digest: of the plan that was carried out.
        reason: why it is not synced.
        outcome: what was done; None: nothing, or it was not asked for.
        at: when this was written, ISO 8601 in UTC; the ledger fills it in.
    """

    flow_run: str
    provider: str
    destination: Destination
    standing: Standing
    state: str = ""
    started_at: int = 0
    listed: str = ""
    asked: str = ""
    digest: str = ""
    reason: str = ""
    outcome: FlowRunOutcome | None = None
    at: str = ""


class Ledger(Protocol):
    """What was done, written down after it was done."""

    @property
    def id(self) -> str:
        """What tells this ledger from all others, for as long as it lives."""
        ...

    def lock(
        self, destinations: Iterable[Destination], *, wait: float
    ) -> AbstractContextManager[None]:
        """Keep other syncs with this ledger away from some entities and projects meanwhile.

        LockHeld if another one is at work there and is not done within `wait` seconds.
        """
        ...

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return what is known of one flow run at one destination, its outcome included."""
        ...

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        since: int | None = None,
    ) -> list[Entry]:
        """Return what is known, oldest flow run first, without outcomes.

        Args:
            provider: only of flow runs that were read there.
            destination: only what went there.
            flow: only of this flow.
            since: only of flow runs that started then or later, in epoch ms, and open ones.
        """
        ...

    def stamps(self, *, provider: str, destination: Destination, flow: str) -> dict[str, str]:
        """Return what the listing said of each run of a flow that was synced, by pathspec."""
        ...

    def write(self, entry: Entry) -> None:
        """Put an entry in the place of what was known of its flow run at its destination."""
        ...
