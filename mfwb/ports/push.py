"""The upload of a bundle: a flow run in it, its result, and the way to a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mfwb.outcome import FlowRunOutcome, WandbRunOutcome
from mfwb.ports.ledger import Entry
from mfwb.ports.progress import Progress
from mfwb.ports.sink import Destination

__all__ = [
    "Cargo",
    "Pushed",
    "Pusher",
]


@dataclass(frozen=True, slots=True)
class Cargo:
    """A flow run in a bundle.

    Attributes:
        entry: what the ledger has of its sync into the bundle.
        destination: where it goes.
        outcome: of that sync.
        written: ids of W&B runs that were there once.
    """

    entry: Entry
    destination: Destination
    outcome: FlowRunOutcome
    written: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a flow run.

    Attributes:
        runs: its W&B runs, in the order of the flow; of a failed one those that are there.
        wrote: whether anything had to be written.
        reason: why it could not be pushed; empty: it was.
        superseded: the bundle has it no more: another sync put something in its place.
        bug: the error of ours that ended it, if that is why it could not be pushed.
    """

    cargo: Cargo
    runs: tuple[WandbRunOutcome, ...] = ()
    wrote: bool = True
    reason: str = ""
    superseded: bool = False
    bug: BaseException | None = None


class Pusher(Protocol):
    """The way from a bundle to a server."""

    def destination(self, bundled: Destination) -> Destination:
        """Return where goes what was synced into the bundle for some entity and project."""
        ...

    def push(self, cargo: Sequence[Cargo], *, writer: str, progress: Progress) -> Iterator[Pushed]:
        """Yield each flow run as soon as it is there, or can't be; Unreachable.

        Args:
            cargo: flow runs.
            writer: the id of the ledger, which tells others who is at work.
            progress: told how far it is.
        """
        ...
