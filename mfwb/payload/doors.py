"""Stand-ins for functions that can do more than the pickles of data need them for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone, tzinfo
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from mfwb.pickles import ForbiddenName

__all__ = [
    "block_manager",
    "bytes_of",
    "empty_array",
    "fixed_offset",
    "latin_bytes",
    "mutable_bytes_of",
    "restored_array",
    "utc",
    "zone",
    "zone_unpickler",
]


def bytes_of(source: bytes | bytearray = b"") -> bytes:
    """Stand in for `bytes`, which makes any number of them out of a single int."""
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


def zone_unpickler(owner: Any, name: str) -> Any:
    """Stand in for `getattr`, by which ZoneInfo finds its own `_unpickle`."""
    if (owner, name) != (ZoneInfo, "_unpickle"):
        raise ForbiddenName("builtins.getattr")
    return ZoneInfo._unpickle  # type: ignore[attr-defined]  # noqa: SLF001 - as its pickles do


def zone(name: str, *_state: Any) -> tzinfo:
    """Stand in for pytz's zones, which need not be installed here; parquet takes their names."""
    return ZoneInfo(name)


def utc() -> tzinfo:
    """Stand in for pytz's UTC."""
    return timezone.utc


def fixed_offset(minutes: int) -> tzinfo:
    """Stand in for pytz's fixed offsets."""
    return timezone(timedelta(minutes=minutes))


def empty_array(kind: type, _shape: Any = None, _typecode: Any = None) -> Any:
    """Stand in for numpy's `_reconstruct`: an array whose state is to follow."""
    import numpy as np  # noqa: PLC0415

    if kind is not np.ndarray:
        raise ForbiddenName(f"an array of the type {kind!r}")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def restored_array(parts: tuple[Any, ...]) -> Any:
    """Stand in for pyarrow's `_restore_array`, which trusts the offsets that it is given."""
    import pyarrow as pa  # noqa: PLC0415

    array = pa.lib._restore_array(parts)  # noqa: SLF001 - as its pickles do
    array.validate(full=True)
    return array


def block_manager(blocks: Sequence[Any], axes: Sequence[Any]) -> Any:
    """Stand in for pandas' BlockManager, which trusts the places that blocks claim."""
    managers = import_module("pandas.core.internals.managers")  # it has no type stubs
    manager = managers.BlockManager(tuple(blocks), list(axes), verify_integrity=True)
    places = sorted(place for block in manager.blocks for place in block.mgr_locs)
    if places != list(range(len(axes[0]))):
        raise ValueError("blocks of the frame are out of place")
    return manager


def _expect(value: Any, types: tuple[type, ...]) -> None:
    if not isinstance(value, types):
        raise TypeError(f"unexpected {type(value).__name__}")
