"""Push: the flow runs of a bundle, what became of each, and their upload to a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mfwb.outcome import FlowRunOutcome, WandbRunOutcome
from mfwb.ports.ledger import Entry
from mfwb.ports.progress import Progress
from mfwb.ports.sink import Destination

__all__ = [
    "BundledFlowRun",
    "PushedFlowRun",
    "Pusher",
]


@dataclass(frozen=True, slots=True)
class BundledFlowRun:
    """A flow run in a bundle.

    Attributes:
        entry: the ledger's entry of its sync into the bundle.
        destination: where it is pushed to.
        outcome: of that sync.
        written: ids of W&B runs that existed once.
    """

    entry: Entry
    destination: Destination
    outcome: FlowRunOutcome
    written: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, Destination]:
        """The key of the flow run in a push: the ledger has one entry of each."""
        return self.entry.flow_run, self.entry.provider, self.destination


@dataclass(frozen=True, slots=True)
class PushedFlowRun:
    """The result of pushing one flow run.

    Attributes:
        runs: its W&B runs, in the order of the flow; if it failed, those that exist.
        wrote: whether anything had to be written.
        reason: why it could not be pushed; empty: it was pushed.
        superseded: the bundle has another version of it: a later sync replaced it.
        bug: the error of mfwb's own because of which it could not be pushed.
    """

    cargo: BundledFlowRun
    runs: tuple[WandbRunOutcome, ...] = ()
    wrote: bool = True
    reason: str = ""
    superseded: bool = False
    bug: BaseException | None = None


class Pusher(Protocol):
    """Uploads a bundle to a server."""

    def destination(self, bundled: Destination) -> Destination:
        """Return the destination on the server for one in the bundle."""
        ...

    def push(
        self, cargo: Sequence[BundledFlowRun], *, writer: str, progress: Progress
    ) -> Iterator[PushedFlowRun]:
        """Yield the result of each flow run as soon as it is pushed, or has failed; Unreachable.

        Args:
            cargo: flow runs.
            writer: the id of the ledger, which shows other machines who writes.
            progress: is notified of each W&B run.
        """
        ...
