"""Stand-ins for functions that can do too much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mfwb.payload import arrow_doors, doors, pandas_doors
from mfwb.payload.allowed import FRAMES, PATHS, PLAIN
from mfwb.pickles import ForbiddenName

NEVER = ("os", "posix", "nt", "sys", "subprocess", "operator", "importlib", "functools", "codecs")
POWERFUL = {"eval", "exec", "compile", "open", "__import__", "type", "object", "setattr", "vars"}


@pytest.mark.parametrize("allowed", [PLAIN, PATHS, FRAMES])
def test_no_list_holds_what_is_powerful(allowed: dict[str, Callable[[], Any]]) -> None:
    """What can reach beyond data is on no list."""
    for name in allowed:
        module, _, attribute = name.rpartition(".")
        assert module.split(".")[0] not in NEVER
        assert module != "builtins" or attribute not in POWERFUL


@pytest.mark.parametrize(
    ("name", "door"),
    [
        ("builtins.getattr", doors.zone_unpickler),
        ("builtins.bytes", doors.bytes_of),
        ("builtins.bytearray", doors.mutable_bytes_of),
        ("_codecs.encode", doors.latin_bytes),
        ("numpy.core.multiarray._reconstruct", doors.empty_array),
        ("pandas.core.internals.managers.BlockManager", pandas_doors.block_manager),
        ("pyarrow.lib._restore_array", arrow_doors.restored_array),
    ],
)
def test_the_door_stands_there(name: str, door: Callable[..., Any]) -> None:
    """These names never stand for the real thing."""
    assert FRAMES[name]() is door


def test_getattr_finds_one_thing_only() -> None:
    """All that `getattr` is good for is the way in which ZoneInfo is pickled."""
    assert doors.zone_unpickler(doors.Zone, "_unpickle") == doors.zone
    for owner, name in [(doors.Zone, "__init__"), (dict, "_unpickle"), (np.array([1]), "dump")]:
        with pytest.raises(ForbiddenName, match=r"builtins\.getattr"):
            doors.zone_unpickler(owner, name)


def test_bytes() -> None:
    """Bytes are made of bytes, not of numbers of them."""
    assert doors.bytes_of() == b""
    assert doors.mutable_bytes_of("ÿ", "latin-1") == bytearray(b"\xff")
    makers: list[Callable[..., object]] = [
        doors.bytes_of,
        doors.mutable_bytes_of,
        doors.latin_bytes,
    ]
    for make in makers:
        with pytest.raises(TypeError, match="unexpected int"):
            make(10**15)
    with pytest.raises(ForbiddenName, match="the encoding 'zlib'"):
        doors.latin_bytes("x", "zlib")


def test_arrays_of_other_types() -> None:
    """Only plain arrays are made, not those of subclasses."""
    assert doors.empty_array(doors.ARRAY_KIND).shape == (0,)
    with pytest.raises(ForbiddenName, match="memmap"):
        doors.empty_array(np.memmap)


def test_zones() -> None:
    """What pytz pickled becomes a zone of the standard library."""
    assert doors.zone("Europe/Berlin", 3600, 0, "CET") == ZoneInfo("Europe/Berlin")
    for name in ("../../etc/passwd", "/etc/passwd", "", "a\0b", ["UTC"]):
        with pytest.raises(ForbiddenName, match="a time zone whose name is none"):
            doors.zone(name)  # type: ignore[arg-type]
    assert doors.utc() is dt.timezone.utc
    assert doors.fixed_offset(-90).utcoffset(None) == dt.timedelta(minutes=-90)
