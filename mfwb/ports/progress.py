"""Progress: notices of how far a call has come."""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "Progress",
    "Unwatched",
]


class Progress(Protocol):
    """Somebody who watches."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Hear that work on a flow run begins."""
        ...

    def wandb_runs(self, total: int) -> None:
        """Hear how many W&B runs it becomes."""
        ...

    def advance(self) -> None:
        """Hear that one of them is written."""
        ...


class Unwatched:
    """Progress that nobody looks at."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Say nothing."""

    def wandb_runs(self, total: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""
