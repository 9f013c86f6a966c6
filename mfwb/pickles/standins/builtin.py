"""Stand-ins for functions of Python and numpy that can do more than pickles of data need."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from mfwb.pickles.dtypes import build_named_dtype
from mfwb.pickles.unpickler import ForbiddenName

__all__ = [
    "ARRAY_KIND",
    "array_of",
    "bytes_of",
    "counter",
    "decimal",
    "dtype",
    "empty_array",
    "fixed_offset",
    "fraction",
    "frozen_items",
    "items",
    "latin_bytes",
    "mutable_bytes_of",
    "numpy_scalar",
    "ordered",
    "queue",
    "range_of",
    "same_dict",
    "slice_of",
    "utc",
    "with_default",
    "zone",
    "zone_unpickler",
]

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_FRACTION = re.compile(r"(-?[0-9]{1,4300})(?:/([0-9]{1,4300}))?")
_BITS_LIMIT = 100_000  # of the parts of a fraction; the time to reduce it grows with the square


def items(source: list[Any] | tuple[()] = ()) -> set[Any]:
    """Stand in for `set`, which also copies other sets."""
    _expect(source, (list, tuple))
    return set(source)


def frozen_items(source: list[Any] | tuple[()] = ()) -> frozenset[Any]:
    """Stand in for `frozenset`, for the same reason."""
    _expect(source, (list, tuple))
    return frozenset(source)


def counter(counts: dict[Any, Any] | None = None) -> Counter[Any]:
    """Stand in for `Counter`, which also counts the items of any iterable."""
    _expect(counts, (dict, type(None)))
    return Counter(counts)


def ordered(pairs: list[Any] | tuple[()] = ()) -> OrderedDict[Any, Any]:
    """Stand in for `OrderedDict`; Python 2 wrote its pairs as a list."""
    _expect(pairs, (list, tuple))
    return OrderedDict(pairs)


def with_default(factory: Any = None) -> defaultdict[Any, Any]:
    """Stand in for `defaultdict`, which also copies other dicts."""
    return defaultdict(factory)


def queue(source: list[Any] | tuple[()] = (), max_length: int | None = None) -> deque[Any]:
    """Stand in for `deque`, which also copies other deques."""
    _expect(source, (list, tuple))
    return deque(source, max_length)


def decimal(text: str) -> Decimal:
    """Stand in for `Decimal`, which also accepts an int of a million digits, slowly."""
    _expect(text, (str,))
    return Decimal(text)


def fraction(numerator: str | int, denominator: int | None = None) -> Fraction:
    """Stand in for `Fraction`, which turns "1e999999999" into a number of a billion digits."""
    if denominator is None:
        _expect(numerator, (str,))
        match = _FRACTION.fullmatch(str(numerator))
        if match is None:
            raise ValueError("not a pickled fraction")
        return Fraction(int(match[1]), int(match[2] or 1))
    for number in (numerator, denominator):
        if not isinstance(number, int) or number.bit_length() > _BITS_LIMIT:
            raise ValueError("not a pickled fraction")
    return Fraction(int(numerator), denominator)


def range_of(start: int, stop: int, step: int) -> range:
    """Stand in for `range`, which also accepts objects with `__index__`."""
    _expect_all((start, stop, step), (int,))
    return range(start, stop, step)


def slice_of(start: int | None, stop: int | None, step: int | None) -> slice:
    """Stand in for `slice`, which accepts any object."""
    _expect_all((start, stop, step), (int, type(None)))
    return slice(start, stop, step)


def same_dict(content: dict[Any, Any]) -> dict[Any, Any]:
    """Stand in for a wrapper of a dict, such as Metaflow's ConfigValue."""
    _expect(content, (dict,))
    return content


def dtype(name: str, _align: bool = False, _copy: bool = False) -> Any:  # noqa: FBT001, FBT002 - as pickled
    """Stand in for numpy's `dtype`, which also accepts lists and dicts of other dtypes."""
    import numpy as np  # noqa: PLC0415

    base = build_named_dtype((name,))
    if base is None:
        raise ForbiddenName("a dtype that numpy pickles in another way")
    return np.dtype(base, copy=True)


def numpy_scalar(kind: Any, data: bytes) -> Any:
    """Stand in for numpy's `scalar`, which allocates as much memory as the dtype says."""
    import numpy as np  # noqa: PLC0415

    _expect(kind, (np.dtype,))
    _expect(data, (bytes,))
    if kind.hasobject or len(data) != kind.itemsize:
        raise ValueError("a numpy scalar that is not as long as its dtype")
    return np.ndarray((), kind, data)[()]


def array_of(data: bytes | bytearray, kind: Any, shape: Any, order: str) -> Any:
    """Stand in for numpy's `_frombuffer`."""
    import numpy as np  # noqa: PLC0415

    _expect(data, (bytes, bytearray))
    _expect(kind, (np.dtype,))
    _expect(order, (str,))
    return np.frombuffer(data, dtype=kind).reshape(shape, order=order)  # type: ignore[call-overload]


def bytes_of(source: bytes | bytearray = b"") -> bytes:
    """Stand in for `bytes`, which allocates any number of bytes for a single int."""
    _expect(source, (bytes, bytearray))
    return bytes(source)


def mutable_bytes_of(source: bytes | bytearray | str = b"", encoding: str = "latin1") -> bytearray:
    """Stand in for `bytearray`, for the same reason; protocol 2 writes text and an encoding."""
    _expect(source, (bytes, bytearray, str))
    return bytearray(latin_bytes(source, encoding) if isinstance(source, str) else source)


def latin_bytes(text: str, encoding: str = "latin1") -> bytes:
    """Stand in for `_codecs.encode`, by which protocol 2 writes bytes."""
    _expect(text, (str,))
    if encoding not in {"latin1", "latin-1"}:
        raise ForbiddenName(f"the encoding {encoding!r}")
    return text.encode("latin1")


class Zone:
    """Stand-in for `ZoneInfo`, which searches for a file of any given name."""

    def __init__(self) -> None:
        raise ForbiddenName("a time zone without a name")


def zone_unpickler(owner: Any, name: str) -> Any:
    """Stand in for `getattr`, by which ZoneInfo finds its own `_unpickle`."""
    if (owner, name) != (Zone, "_unpickle"):
        raise ForbiddenName("builtins.getattr")
    return zone


def zone(name: str, *_state: Any) -> tzinfo:
    """Stand in for pytz's zones, which need not be installed here; parquet takes their names."""
    if not isinstance(name, str) or not _ZONE.fullmatch(name):
        raise ForbiddenName("a time zone whose name is not valid")
    return ZoneInfo(name)


def utc() -> tzinfo:
    """Stand in for pytz's UTC."""
    return timezone.utc


def fixed_offset(minutes: int) -> tzinfo:
    """Stand in for pytz's fixed offsets."""
    return timezone(timedelta(minutes=minutes))


class _ArrayKind:
    """Stand-in for the class of arrays, which would create one of any size in raw memory.

    Pickles only name the class and do not call it; so a call is refused.
    """

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise ForbiddenName("an array without its data")


ARRAY_KIND = _ArrayKind()


def empty_array(kind: Any, _shape: Any = None, _typecode: Any = None) -> Any:
    """Stand in for numpy's `_reconstruct`: return an array whose state is set later."""
    import numpy as np  # noqa: PLC0415

    if kind is not ARRAY_KIND:
        raise ForbiddenName(f"an array of the type {kind!r}")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _expect(value: Any, types: tuple[type, ...]) -> None:
    if not isinstance(value, types):
        raise TypeError(f"unexpected {type(value).__name__}")


def _expect_all(values: tuple[Any, ...], types: tuple[type, ...]) -> None:
    for value in values:
        _expect(value, types)
