"""Checks of type, range and length for plain values that strangers may have written.

The values come from decoded pickles and from JSON. Never call `str` or `repr` on a value of unknown
type: a list that contains the next one twice, thirty levels deep, takes a few bytes, and printing
it takes almost for ever.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mfwb.snapshot.pathspec import LAST_MOMENT

__all__ = [
    "MAX_EPOCH_MS",
    "MAX_INTEGER",
    "DamagedError",
    "as_integer",
    "cut",
    "describe_error",
    "items",
    "mapping",
    "text",
]

MAX_EPOCH_MS = LAST_MOMENT

MAX_INTEGER = 2**63 - 1
"""Largest size or position: databases and JSON readers accept no larger integers."""

_MANY = 100_000
_LOC_LIMIT = 100


class DamagedError(ValueError):
    """A value is not what Metaflow writes there; the text has its name and the reason."""


def text(value: Any, what: str, *, max_length: int = 10_000) -> str:
    """Return a text; DamagedError if it is not a text, or longer than `max_length`."""
    if not isinstance(value, str):
        raise DamagedError(f"{what} is not a text")
    if len(value) > max_length:
        raise DamagedError(f"{what} is longer than {max_length:,} characters")
    return value


def cut(value: Any, max_length: int) -> str:
    """Return a text for people, cut to `max_length` characters; "" if the value is not a text."""
    return value[:max_length] if isinstance(value, str) else ""


def exceeds(value: Any, max_length: int) -> bool:
    """Return whether `cut` would shorten the value."""
    return isinstance(value, str) and len(value) > max_length


def as_integer(value: Any, what: str, *, maximum: int = MAX_INTEGER) -> int:
    """Return an integer from 0 to `maximum`; DamagedError for anything else, for example True."""
    if type(value) is not int:
        raise DamagedError(f"{what} is not an integer")
    if not 0 <= value <= maximum:
        raise DamagedError(f"{what} is not between 0 and {maximum}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Return the items of a list or a tuple; none for None; DamagedError for anything else."""
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise DamagedError(f"{what} is not a list")
    if len(value) > _MANY:
        raise DamagedError(f"{what} has more than {_MANY:,} parts")
    return list(value)


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a dict with text keys; an empty one for None; DamagedError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DamagedError(f"{what} is not an object")
    if len(value) > _MANY:
        raise DamagedError(f"{what} has more than {_MANY:,} parts")
    return value


def describe_error(error: ValidationError) -> str:
    """Return pydantic's first error in a few words, with its path, and without the input itself."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])[:_LOC_LIMIT]
    problem = first["msg"].removeprefix("Value error, ")
    shown = path if path.isprintable() else ascii(path)
    return f"{shown}: {problem}" if shown else problem
