"""The log of errors of mfwb's own."""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "BugLog",
]


class BugLog(Protocol):
    """Writes a log file for each error of mfwb's own."""

    def reason(self, error: BaseException) -> str:
        """Write an error to a log file; return the reason of the failure, with the file's path."""
        ...
