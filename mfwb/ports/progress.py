"""Progress: notifications of how far a call is."""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "NoProgress",
    "Progress",
]


class Progress(Protocol):
    """Is notified of the work as it goes on; may be called from several threads."""

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
    """Progress that is not shown."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Do nothing."""

    def wandb_runs(self, total: int) -> None:
        """Do nothing."""

    def advance(self) -> None:
        """Do nothing."""
