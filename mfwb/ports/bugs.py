"""The log of errors that nobody foresaw."""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "Bugs",
]


class Bugs(Protocol):
    """Where errors are written down that nobody foresaw."""

    def reason(self, error: BaseException) -> str:
        """Write down an error; return the line that says so, for who reads of the failure."""
        ...
