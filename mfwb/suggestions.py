"""Suggestions for a name that does not exist."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from mfwb.safe_text import one_line

__all__ = ["did_you_mean", "list_some"]

_FEW = 8


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Return `; did you mean train?` for the end of a message; empty if no name is similar."""
    folded = sorted(candidate for candidate in names if candidate.lower() == name.lower())
    suggestions = dict.fromkeys([*folded, *get_close_matches(name, sorted(names))])
    return f"; did you mean {' or '.join(map(one_line, suggestions))}?" if suggestions else ""


def list_some(prefix: str, names: Collection[str]) -> str:
    """Return `; its steps are start, train and 7 more` for the end of a message.

    Args:
        prefix: what the names are.
        names: in the order in which they are shown; empty: the result is empty, too.
    """
    shown = [one_line(name) for name in [*names][:_FEW]]
    more = len(names) - len(shown)
    if more:
        return f"; {prefix} {', '.join(shown)} and {more:,} more"
    *others, last = shown or [""]
    return f"; {prefix} {' and '.join(filter(None, (', '.join(others), last)))}" if last else ""
