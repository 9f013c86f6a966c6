"""A value as W&B should say it, by docs/mapping.md, "What a value looks like". Plain rules.

What JSON can't say exactly is marked: `{SET: items}` for items in any order, and `{ANY: true}` for
what these rules leave open. A text can't be mistaken for a mark, since W&B keeps no NUL.
"""

from __future__ import annotations

import base64
import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

__all__ = ["ANY", "SET", "Described", "matches", "put", "to_number"]

SET = "\0set"
ANY = "\0any"
_ANYTHING = {ANY: True}
_EXACT = 2**53
_MAX_DIGITS = 14_284  # bits, which are 4,300 digits
_MAX_ARRAY = 1_000  # items
_MAX_DEEP = 100
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TEXTS = (Decimal, Fraction, UUID, complex, PurePath, range, slice)


class Described:
    """An object that was not made, only described: its class, arguments and state."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kind: str, arguments: tuple[Any, ...]) -> None:
        self.kind = kind
        self.arguments = arguments
        self.state: Any = None


def put(value: Any, depth: int = 0) -> Any:  # noqa: C901, PLR0911, PLR0912 - a rule for each type
    """Return a value as JSON with marks.

    ValueError if it is nested too deep, or of a type that the rules don't name.
    """
    if depth > _MAX_DEEP:
        raise ValueError("it is nested too deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Described):
        return _described(value, depth)
    if isinstance(value, type) or hasattr(value, "as_plain"):
        return dict(_ANYTHING)
    if type(value).__module__ == "numpy":
        return _of_numpy(value, depth)
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _name(value)
    if isinstance(value, (bytes, bytearray)):
        return {"_type": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return _dict(value, depth)
    if isinstance(value, (set, frozenset)):
        return {SET: [put(item, depth + 1) for item in value]}
    if isinstance(value, (list, tuple, deque)):
        return [put(item, depth + 1) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    if (seconds := _seconds(value)) is not None:
        return seconds
    if isinstance(value, _TEXTS):
        return _storable(str(value))
    raise ValueError(f"a {type(value).__name__} has no form in the summary")


def _whole(value: int) -> Any:
    if -_EXACT <= value <= _EXACT:
        return int(value)
    return str(int(value)) if value.bit_length() <= _MAX_DIGITS else hex(value)


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _storable(text: str) -> str:
    return _UNSTORABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _dict(value: dict[Any, Any], depth: int) -> Any:
    keys = [_key(key) for key in value]
    if None in keys or len(set(keys)) < len(keys):
        return dict(_ANYTHING)
    texts = [f"{key}" for key in keys]
    if "_type" in texts and not (len(texts) == 2 and value.get("_type") == "bytes"):  # noqa: PLR2004
        texts = ["_type_" if text == "_type" else text for text in texts]
    items = value.values()
    return {text: put(item, depth + 1) for text, item in zip(texts, items, strict=True)}


def _key(key: Any) -> str | None:
    if isinstance(key, str):
        return _storable(str(key))
    if isinstance(key, int) and not isinstance(key, bool):
        return str(_whole(key))
    if isinstance(key, (bool, float, type(None), bytes, Decimal, UUID, Fraction, date, PurePath)):
        return _storable(str(key))
    if isinstance(key, tuple) and all(isinstance(item, (str, int, float)) for item in key):
        return _storable(str(key))
    return None


def _of_numpy(value: Any, depth: int) -> Any:
    if getattr(value, "ndim", 0):
        return _array(value, depth)
    if (seconds := _seconds(value)) is not None:
        return seconds
    if value.dtype.kind in "Mm":
        return dict(_ANYTHING)
    plain = value.item()
    if type(plain) is type(value):  # a longdouble, or complex of that width
        return dict(_ANYTHING)
    return put(plain, depth)


def _seconds(value: Any) -> float | None:
    """Return a span of time in seconds; None if it is none, or of unknown length, as a month."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if getattr(value, "ndim", None) != 0 or value.dtype.kind != "m":
        return None
    try:
        seconds = float(value / type(value)(1, "s"))
    except TypeError:
        return None
    return seconds if math.isfinite(seconds) else None


def _array(value: Any, depth: int) -> Any:
    if value.size > _MAX_ARRAY:
        shape = " by ".join(f"{length:,}" for length in value.shape)
        return f"array of {shape} {value.dtype}"
    if value.dtype.kind in "MmVg" or type(value).__name__ != "ndarray":
        return dict(_ANYTHING)
    return put(value.tolist(), depth + 1)


def _described(value: Described, depth: int) -> Any:
    short = value.kind.rpartition(".")[2]
    arguments, state = value.arguments, value.state
    is_error = short.endswith(("Error", "Exception", "Warning"))
    if state is None and len(arguments) == 1 and isinstance(arguments[0], (str, int, float)):
        return f"{short}({arguments[0]!r})"
    if state is None and arguments:
        return [put(item, depth + 1) for item in arguments]
    if isinstance(state, dict) and not arguments and not is_error and "__dict__" not in state:
        return _dict(state, depth)
    return dict(_ANYTHING)


def to_number(value: Any) -> int | float | None:
    """Return what statistics are made of: an int, a float, or seconds; None of all else."""
    if isinstance(value, bool):
        return None
    if (seconds := _seconds(value)) is not None:
        return seconds
    if type(value).__module__ == "numpy" and not getattr(value, "ndim", 0):
        if value.dtype.kind not in "iuf":
            return None
        plain = value.item()
        if isinstance(plain, int):
            return plain
        return float(plain) if float(plain) == plain or plain != plain else None  # noqa: PLR0124 - NaN
    return value if isinstance(value, (int, float)) else None


def matches(expected: Any, actual: Any) -> bool:  # noqa: PLR0911 - a rule for each type
    """Whether W&B's JSON says what is expected, marks in it applied."""
    if isinstance(expected, dict):
        if ANY in expected:
            return True
        if SET in expected:
            return isinstance(actual, list) and _matches_in_any_order(expected[SET], actual)
        return _matches_dict(expected, actual)
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(map(matches, expected, actual))
        )
    if expected is None or isinstance(expected, bool) or isinstance(actual, bool):
        return actual is expected
    if isinstance(expected, (int, float)):
        return isinstance(actual, (int, float)) and actual == expected
    return bool(actual == expected)


def _matches_dict(expected: Mapping[str, Any], actual: Any) -> bool:
    return (
        isinstance(actual, dict)
        and actual.keys() == expected.keys()
        and all(matches(value, actual[key]) for key, value in expected.items())
    )


def _matches_in_any_order(expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    left = list(actual)
    for value in expected:
        position = next((n for n, other in enumerate(left) if matches(value, other)), None)
        if position is None:
            return False
        del left[position]
    return not left
