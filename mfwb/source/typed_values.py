"""Plain values out of what strangers wrote, held to their types, ranges and lengths.

They come from decoded pickles and from JSON. Never is `str` or `repr` called on one whose type is
not known: a list that holds itself twice, thirty levels deep, takes a few bytes and no end of time.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mfwb.snapshot.pathspec import LAST_MOMENT

__all__ = [
    "MAX_EPOCH_MS",
    "MOST",
    "DamagedError",
    "as_integer",
    "cut",
    "describe_error",
    "items",
    "mapping",
    "text",
]

MAX_EPOCH_MS = LAST_MOMENT

MOST = 2**63 - 1
"""No size and no position is larger: databases and JSON readers take no larger integers."""

_MANY = 100_000
_LOC_LIMIT = 100


class DamagedError(ValueError):
    """A value is not what Metaflow writes there; the text says which, and what is wrong."""


def text(value: Any, what: str, *, most: int = 10_000) -> str:
    """Return a text; DamagedError if it is none, or longer than `most`."""
    if not isinstance(value, str):
        raise DamagedError(f"{what} is no text")
    if len(value) > most:
        raise DamagedError(f"{what} is longer than {most:,} characters")
    return value


def cut(value: Any, most: int) -> str:
    """Return a text that people read, without its end if it is long; "" if it is no text."""
    return value[:most] if isinstance(value, str) else ""


def exceeds(value: Any, most: int) -> bool:
    """Return whether `cut` cuts."""
    return isinstance(value, str) and len(value) > most


def as_integer(value: Any, what: str, *, most: int = MOST) -> int:
    """Return an integer from 0 to `most`; DamagedError if it is anything else, True for example."""
    if type(value) is not int:
        raise DamagedError(f"{what} is no integer")
    if not 0 <= value <= most:
        raise DamagedError(f"{what} is not between 0 and {most}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Return what a list or a tuple holds, and nothing of None; DamagedError if it is neither."""
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise DamagedError(f"{what} is no list")
    if len(value) > _MANY:
        raise DamagedError(f"{what} has more than {_MANY:,} parts")
    return list(value)


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a dict by names, and an empty one for None; DamagedError if it is none."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DamagedError(f"{what} is no object with names")
    if len(value) > _MANY:
        raise DamagedError(f"{what} has more than {_MANY:,} parts")
    return value


def describe_error(error: ValidationError) -> str:
    """Return in a few words what pydantic found wrong, and where; nothing of the input itself."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:_LOC_LIMIT]
    problem = first["msg"].removeprefix("Value error, ")
    shown = place if place.isprintable() else ascii(place)
    return f"{shown}: {problem}" if shown else problem
