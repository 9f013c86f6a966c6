"""Durations as text for people."""

from __future__ import annotations

__all__ = ["format_duration"]

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def format_duration(seconds: float) -> str:
    """Return `4 minutes`: a whole number of the largest unit that fits; at least `0 seconds`."""
    for unit, length in _UNITS:
        number = int(seconds // length)
        if number > 0:
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return "0 seconds"
