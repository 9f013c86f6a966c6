"""Suggestions for a name that does not exist."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from mfwb.safe_text import one_line

__all__ = ["did_you_mean"]


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Return `; did you mean train?` for the end of a message; empty if no name is similar."""
    folded = sorted(candidate for candidate in names if candidate.lower() == name.lower())
    suggestions = dict.fromkeys([*folded, *get_close_matches(name, sorted(names))])
    return f"; did you mean {' or '.join(map(one_line, suggestions))}?" if suggestions else ""
