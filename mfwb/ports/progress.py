"""Progress: notifications of how far a call is."""

from __future__ import annotations

from typing import Protocol

from mfwb.outcome import FlowRunOutcome
from mfwb.verification_outcome import FlowRunVerification

__all__ = [
    "Ended",
    "NoProgress",
    "Progress",
    "SimpleProgress",
    "as_progress",
]

Ended = FlowRunOutcome | FlowRunVerification
"""How a flow run ended: in a sync, a plan or a push; or in a verification."""


class Progress(Protocol):
    """Is notified of the work as it goes on; may be called from several threads."""

    def connecting(self, end: str, retry: int) -> None:
        """Note that an end ("W&B", "Metaflow's service") is called, and has not answered yet.

        Args:
            end: its name.
            retry: how many tries have failed; 0 during the first one.
        """
        ...

    def connected(self, end: str) -> None:
        """Note that an end has answered."""
        ...

    def selected(self, flow_runs: int) -> None:
        """Note the number of flow runs of this call, before the first of them."""
        ...

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Note that work on a flow run begins: it is read."""
        ...

    def planned(self, flow_run: str, wandb_runs: int) -> None:
        """Note the number of W&B runs that a flow run becomes, before the first of them."""
        ...

    def writing(self, flow_run: str, wandb_run: str) -> None:
        """Note that a W&B run begins to be written."""
        ...

    def uploading(self, wandb_run: str, sent: int, total: int) -> None:
        """Note how many bytes of a large upload have been sent, as wandb-core counts them.

        Args:
            wandb_run: what is uploaded; the numbers of an earlier notification are replaced.
            sent: bytes.
            total: bytes of the files that wandb-core has to send, as far as it knows yet.
        """
        ...

    def written(self, flow_run: str, wandb_run: str) -> None:
        """Note that a W&B run is written."""
        ...

    def finished(self, ended: Ended) -> None:
        """Note how a flow run ended."""
        ...


class SimpleProgress(Protocol):
    """The notifications of mfwb 0.1: an object that has no others is enough."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Note that work on a flow run begins."""
        ...

    def wandb_runs(self, total: int) -> None:
        """Add the number of W&B runs that a flow run becomes."""
        ...

    def advance(self) -> None:
        """Note that one more W&B run is written."""
        ...


class NoProgress:
    """Progress that is not shown; a base for classes that need only some notifications."""

    def connecting(self, end: str, retry: int) -> None:
        """Do nothing."""

    def connected(self, end: str) -> None:
        """Do nothing."""

    def selected(self, flow_runs: int) -> None:
        """Do nothing."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Do nothing."""

    def planned(self, flow_run: str, wandb_runs: int) -> None:
        """Do nothing."""

    def writing(self, flow_run: str, wandb_run: str) -> None:
        """Do nothing."""

    def uploading(self, wandb_run: str, sent: int, total: int) -> None:
        """Do nothing."""

    def written(self, flow_run: str, wandb_run: str) -> None:
        """Do nothing."""

    def finished(self, ended: Ended) -> None:
        """Do nothing."""


class _FromSimple(NoProgress):
    """Progress for an object with the notifications of mfwb 0.1."""

    def __init__(self, simple: SimpleProgress) -> None:
        self._simple = simple

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        self._simple.flow_run(pathspec, position, total)

    def planned(self, flow_run: str, wandb_runs: int) -> None:  # noqa: ARG002 - not passed on
        self._simple.wandb_runs(wandb_runs)

    def written(self, flow_run: str, wandb_run: str) -> None:  # noqa: ARG002 - the same
        self._simple.advance()


def as_progress(given: Progress | SimpleProgress | None) -> Progress:
    """Return what is notified, for an object that a caller gave; None: nothing is."""
    if given is None:
        return NoProgress()
    return _FromSimple(given) if hasattr(given, "advance") else given  # type: ignore[arg-type]
