"""Refuses to start with versions of Python or of an SDK that are known not to work."""

from __future__ import annotations

from functools import cache

from mfwb.errors import UsageError
from mfwb.known_versions import check_versions

__all__ = ["refuse_old_versions"]


@cache  # a notebook calls often, and installed packages don't change meanwhile
def refuse_old_versions() -> None:
    """Raise UsageError if a version is too old, or an SDK is not installed."""
    for problem in check_versions():
        if problem.severity == "refused":
            raise UsageError(f"{problem.text}. {problem.hint}; `mfwb doctor` shows all versions")
