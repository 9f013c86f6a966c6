"""Plain Python values -> JSON types that every JSON reader accepts, with the least loss."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from mfwb.errors import ItemLost
from mfwb.pickles.placeholders import ClassStandIn, StandIn
from mfwb.pickles.plain_arrays import PlainArray
from mfwb.safe_text import storable
from mfwb.units.whole_numbers import EXACT, has_digits, to_exact

__all__ = [
    "ARRAY_LIMIT",
    "DEPTH_LIMIT",
    "character_limit",
    "json_size",
    "json_text",
    "json_text_again",
    "to_json",
    "to_json_again",
]

DEPTH_LIMIT = 100
ARRAY_LIMIT = 1_000
"""Items of the largest array that is written out."""

SIZE_LIMIT = 10_000_000
"""Rough characters. A pickle of a few bytes can hold one list a billion times."""

_CHARACTERS_PER_BYTE = 20
_CHARACTERS_AT_LEAST = 1_000_000

_BITS_OF_A_CHARACTER = 3
_CONTAINER = 30  # only two brackets, but they take as much time as so many characters
_BYTES_FRAME = 32  # characters around the base64
_MEDIA = "_type"
"""The key by which W&B recognizes its own images and tables; a user's dict is not one of them."""
_AS_TEXT = (Decimal, UUID, Fraction, complex, PurePath, range, slice)


def to_json(
    value: Any, *, as_numbers: bool = False, limit: int | None = None, exact: bool = False
) -> Any:
    """Return a value as JSON types: None, bool, int, float, str, list, dict.

    Args:
        value: of builtins, collections, datetime, decimal, uuid, fractions, numpy scalars, or a
            plain array.
        as_numbers: whether NaN, infinities and integers beyond 2**53 stay numbers, for later
            calculations; else they become text, since JSON, or some JSON readers, lack them.
        limit: approximate number of characters that it may have, if not SIZE_LIMIT.
        exact: whether texts and integers stay unchanged, as in a file that Python reads; else
            lone surrogates and NUL are escaped, which W&B's records and databases refuse.

    Raises:
        ItemLost: it contains itself, is too deep or too large, or has no JSON form.
    """
    limit = SIZE_LIMIT if limit is None else limit
    return _Conversion(as_numbers=as_numbers, limit=limit, exact=exact).convert(value)


def character_limit(size: int) -> int:
    """Return the number of characters that a value may have if its pickle has `size` bytes.

    Values are at most some times as long as their pickles, unless a pickle repeats one object many
    times, as malicious pickles do to take time or to fill memory and disks.
    """
    return _CHARACTERS_AT_LEAST + _CHARACTERS_PER_BYTE * size


def json_text(value: Any) -> str:
    """Return the JSON text of a value; NaN and infinities as strings."""
    return json.dumps(to_json(value), allow_nan=False)


def json_text_again(value: Any) -> str:
    """Return the JSON text of what `to_json` gave, as `json_text` does; NaN may be in it."""
    text = _final_text(value)
    return json_text(value) if text is None else text


def to_json_again(value: Any) -> Any:
    """Return what `to_json` gives for a value that it gave, perhaps as numbers; NaN may be in it.

    A value that stays as it is is returned itself, so nobody may change it.
    """
    kind = type(value)
    if kind in (str, bool, type(None)) or (kind is float and math.isfinite(value)):
        return value
    return value if _final_text(value) is not None else to_json(value)


def _final_text(value: Any) -> str | None:
    """Return the JSON text of a value that a second conversion does not change.

    None if it may: it changes NaN, infinities and large integers, and refuses what is too large.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return None
    return None if len(text) > _SURELY_SMALL or _MAY_BE_LARGE.search(text) else text


_SURELY_SMALL = 1_000_000  # characters
_MAY_BE_LARGE = re.compile(r"(?<![0-9.])[0-9]{16}")  # EXACT has 16 digits


def json_size(value: Any) -> int:
    """Return the number of characters of a JSON-safe value's JSON text."""
    return len(json.dumps(value))


class _Conversion:
    """Conversion of one value: counts its size, and tracks the open containers."""

    def __init__(self, *, as_numbers: bool, limit: int, exact: bool) -> None:
        self._as_numbers = as_numbers
        self._keeps_whole = as_numbers or exact
        self._exact = exact
        self._limit = limit
        self._left = limit
        self._open: set[int] = set()  # by id

    def convert(self, value: Any) -> Any:
        self._spend(2)  # a digit and a comma
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (StandIn, ClassStandIn)):
            return self._stand_in(value)
        if isinstance(value, (dict, list, tuple, deque, set, frozenset)):
            return self._container(value)
        return self._scalar(value)

    def _stand_in(self, value: StandIn | ClassStandIn) -> Any:
        # The method of the metaclass: the class has one of the same name for its objects.
        plain = (
            ClassStandIn.as_plain(value) if isinstance(value, ClassStandIn) else value.as_plain()
        )
        with self._inside(value):
            return self.convert(plain)

    def _scalar(self, value: Any) -> Any:
        if type(value) is str:
            return self._text(value)
        if type(value).__module__ == "numpy" or isinstance(value, PlainArray):
            return self._of_numpy(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return self._whole(int(value))
        if isinstance(value, float):
            return self._real(float(value))
        return self._other(value)

    def _other(self, value: Any) -> Any:
        if isinstance(value, (bytes, bytearray)):
            self._spend(_BYTES_FRAME + len(value))
            return {"_type": "bytes", "base64": self._text(base64.b64encode(value).decode())}
        if isinstance(value, (date, time)):  # a datetime is a date
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, _AS_TEXT):
            return self._text(_written(value))
        raise ItemLost(f"a {type(value).__name__} has no JSON form")

    def _of_numpy(self, value: Any) -> Any:
        """Convert a scalar or an array of numpy's, without importing numpy."""
        if getattr(value, "ndim", 0):
            return self._array(value)
        if value.dtype.kind == "M":
            return str(value)
        if value.dtype.kind == "m":
            return _seconds(value[()])
        plain = value.item()
        if type(plain) is not type(value):
            return self.convert(plain)
        # A longdouble has no Python equivalent, and may have more digits than a float.
        plain = complex(value) if value.dtype.kind == "c" else float(value)
        is_same = value == plain or value != value  # noqa: PLR0124 - NaN
        return self.convert(plain) if is_same else self._text(str(value))

    def _array(self, value: Any) -> Any:
        """Return the items of a small array; a description of a larger one."""
        if value.size > ARRAY_LIMIT:
            shape = " by ".join(f"{length:,}" for length in value.shape)
            return f"array of {shape} {value.dtype}"
        with self._inside(value):
            # `tolist` turns dates and time spans of some units into integers.
            return self.convert(list(value) if value.dtype.kind in "Mm" else value.tolist())

    def _whole(self, value: int) -> int | str:
        if -EXACT <= value <= EXACT:
            return value
        self._spend(value.bit_length() // _BITS_OF_A_CHARACTER)
        return value if self._keeps_whole and has_digits(value) else to_exact(value)

    def _real(self, value: float) -> float | str:
        if math.isfinite(value) or self._as_numbers:
            return value
        return _name(value)

    def _text(self, value: str) -> str:
        self._spend(len(value))
        return str(value) if self._exact else storable(str(value))

    @contextmanager
    def _inside(self, value: Any) -> Iterator[None]:
        """Enter a container; ItemLost if it contains itself, or if the nesting is too deep."""
        if id(value) in self._open:
            raise ItemLost("it contains itself")
        if len(self._open) == DEPTH_LIMIT:
            raise ItemLost(f"it is nested more than {DEPTH_LIMIT} levels deep")
        self._spend(_CONTAINER)
        self._open.add(id(value))
        try:
            yield
        finally:
            self._open.remove(id(value))

    def _container(self, value: Any) -> Any:
        with self._inside(value):
            if isinstance(value, dict):
                return self._object(value)
            if _is_uniform(value):
                self._spend(2 * len(value))
                return list(value)
            items = [self.convert(item) for item in value]
            return sorted(items, key=_rank) if isinstance(value, (set, frozenset)) else items

    def _object(self, value: dict[Any, Any]) -> dict[str, Any]:
        keys = self._keys(value)
        return {key: self.convert(item) for key, item in zip(keys, value.values(), strict=True)}

    def _keys(self, value: dict[Any, Any]) -> list[str]:
        """Return all keys as distinct texts; keys that are texts stay unchanged if possible.

        A key of another type may look like a text key, and so may an escaped one.
        """
        texts = [self._text(key if type(key) is str else _written(key)) for key in value]
        if not self._exact and _MEDIA in value and not _is_bytes(value):
            texts = [f"{_MEDIA}_" if text == _MEDIA else text for text in texts]
        if len(set(texts)) == len(texts):
            return texts
        own = {key for key in value if type(key) is str}
        taken = own.intersection(texts)
        numbers: dict[str, int] = {}  # by text, the last number that was tried
        keys = []
        for key, text in zip(value, texts, strict=True):
            is_own = type(key) is str and text == key  # it is in `taken` as itself
            keys.append(text if is_own else _unlike(taken, text, numbers))
            taken.add(keys[-1])
        return keys

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ItemLost(f"it is larger than {self._limit / 1_000_000:.3g} MB as JSON")


def _is_bytes(value: dict[Any, Any]) -> bool:
    """Whether a dict is this module's form of bytes."""
    return value.keys() == {_MEDIA, "base64"} and value[_MEDIA] == "bytes"


def _is_uniform(value: Any) -> bool:
    """Whether this is a list of small ints or of finite floats, which needs no conversion."""
    kind = type(value[0]) if isinstance(value, list) and value else None
    if kind not in (int, float) or not all(type(item) is kind for item in value):
        return False
    if kind is int:
        return bool(min(value) >= -EXACT and max(value) <= EXACT)
    return all(map(math.isfinite, value))


def _written(value: Any) -> str:
    """Return a value as text, for keys and for values without another JSON form."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(to_exact(value))
    try:
        return str(value)
    except (ValueError, RecursionError):
        raise ItemLost(f"a {type(value).__name__} in it can't be written as text") from None


def _seconds(span: Any) -> float | str:
    """Return a numpy timedelta in seconds; numpy's text for months and NaT."""
    try:
        seconds = float(span / type(span)(1, "s"))
    except TypeError:
        return str(span)
    return str(span) if math.isnan(seconds) else seconds


def _rank(item: Any) -> tuple[int, float, str]:
    """Return the sort key of an item of a set: numbers, then text, then all else."""
    if isinstance(item, float) and not math.isfinite(item):
        item = _name(item)  # the text that it becomes in the end
    elif isinstance(item, int):
        item = to_exact(item)
    if isinstance(item, (int, float)):
        return 0, item, type(item).__name__
    return (1, 0, item) if isinstance(item, str) else (2, 0, json.dumps(item, sort_keys=True))


def _name(value: float) -> str:
    """Return the text for a number that JSON does not have."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _unlike(taken: Collection[str], text: str, numbers: dict[str, int]) -> str:
    """Return the text, with a number appended if necessary, so that it is not in `taken`.

    The numbers continue from the last one that was tried: thousands of keys may look alike.
    """
    if text not in taken:
        return text
    number = numbers.get(text, 1) + 1
    while f"{text}_{number}" in taken:
        number += 1
    numbers[text] = number
    return f"{text}_{number}"
