"""Whether what W&B says of a value is that value. Plain rules, from docs/mapping.md."""

from __future__ import annotations

import base64
import math
from collections import deque
from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np

__all__ = [
    "is_caught",
    "is_number",
    "is_readable",
    "is_same",
    "is_statistic",
    "is_value",
]

_PLAIN = (type(None), bool, int, float, str, bytes, bytearray, complex, np.number, np.bool_)
_WRITTEN = (date, time, timedelta, Decimal, Fraction, UUID, np.datetime64, np.timedelta64)
_MANY = (list, tuple, set, frozenset, deque)
_MOST_OF_AN_ARRAY = 1_000  # items; of a larger one the summary says what it is


def is_value(value: Any) -> bool:
    """Whether it is a plain value, which stands in the summary."""
    if isinstance(value, dict):
        return all(map(is_value, value)) and all(map(is_value, value.values()))
    if isinstance(value, _MANY):
        return all(map(is_value, value))
    return isinstance(value, _PLAIN + _WRITTEN) or is_caught(value)


def is_caught(value: Any) -> bool:
    """Whether it is what `@catch(var=...)` keeps of an exception."""
    return type(value).__name__ == "MetaflowExceptionWrapper"


def is_readable(value: Any) -> bool:
    """Whether the summary says something of it, though it is more than a value."""
    if isinstance(value, dict):
        return all(map(is_readable, value)) and all(map(is_readable, value.values()))
    if isinstance(value, _MANY):
        return all(map(is_readable, value))
    return is_value(value) or isinstance(value, np.ndarray | PurePath) or _is_of_users(value)


def _is_of_users(value: Any) -> bool:
    is_own = type(value).__module__ in {"__main__", "flow"} or isinstance(value, SimpleNamespace)
    return is_own and bool(vars(value))


def is_number(value: Any) -> bool:
    """Whether statistics are made of it: no bool."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def is_same(value: Any, said: Any) -> bool:  # noqa: PLR0911, C901, PLR0912 - a rule for each type
    """Whether JSON says this value, as exactly as JSON can."""
    if isinstance(value, np.ndarray):
        if value.size <= _MOST_OF_AN_ARRAY:
            return is_same(value.tolist(), said)
        shape = " by ".join(f"{length:,}" for length in value.shape)
        return bool(said == f"array of {shape} {value.dtype}")
    if _is_of_users(value):
        return is_same(vars(value), said)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(isinstance(said, str | float | int))
    if is_caught(value):
        return bool(said == f"{value.type}: {value.exception}")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return said is value
    if isinstance(value, int):
        return (type(said) is int and said == value) or said in {str(value), hex(value)}
    if isinstance(value, float):
        if not math.isfinite(value):
            return bool(said == _name(value))
        return isinstance(said, int | float) and not isinstance(said, bool) and said == value
    if isinstance(value, str):
        return bool(said == value)
    if isinstance(value, bytes | bytearray):
        return bool(said == {"_type": "bytes", "base64": base64.b64encode(value).decode()})
    if isinstance(value, dict):
        return _is_same_dict(value, said)
    if isinstance(value, set | frozenset):
        return isinstance(said, list) and _is_same_set(list(value), said)
    if isinstance(value, _MANY):
        return isinstance(said, list) and len(said) == len(value) and all(map(is_same, value, said))
    if isinstance(value, timedelta):
        return bool(said == value.total_seconds())
    if isinstance(value, date | time):
        return bool(said == value.isoformat())
    return bool(said == str(value))


def _is_same_dict(value: dict[Any, Any], said: Any) -> bool:
    texts = {str(key): item for key, item in value.items()}
    return (
        isinstance(said, dict)
        and texts.keys() == said.keys()
        and all(is_same(item, said[key]) for key, item in texts.items())
    )


def _is_same_set(value: list[Any], said: list[Any]) -> bool:
    left = list(said)
    for item in value:
        location = next((n for n, other in enumerate(left) if is_same(item, other)), None)
        if location is None:
            return False
        del left[location]
    return not left


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def is_statistic(numbers: Sequence[Any], said: Any) -> bool:
    """Whether JSON says minimum, maximum and mean of these; NaN doesn't count among others."""
    existing = [number for number in numbers if number == number] or [math.nan]  # noqa: PLR0124 - no NaN
    try:
        mean = math.fsum(existing) / len(existing)
    except (OverflowError, ValueError):
        mean = math.nan
    return (
        isinstance(said, dict)
        and said.keys() == {"min", "max", "mean"}
        and is_same(min(existing), said["min"])
        and is_same(max(existing), said["max"])
        and (is_same(mean, said["mean"]) or _is_close(mean, said["mean"]))
    )


def _is_close(mean: float, said: Any) -> bool:
    return isinstance(said, int | float) and math.isclose(mean, said, rel_tol=1e-12)


def is_point(number: Any, said: Any) -> bool:
    """Whether a row of the history says this number: W&B keeps rows as floats."""
    if isinstance(said, str):
        return is_same(float(number), said)
    try:
        is_number = isinstance(said, int | float)
        if is_number and number != number:  # noqa: PLR0124 - NaN alone
            return bool(said != said)  # noqa: PLR0124
        return is_number and (said == number or said == float(number))
    except OverflowError:
        return math.isinf(said)
