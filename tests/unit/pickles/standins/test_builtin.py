"""Stand-ins for functions of Python and numpy that can do too much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mfwb.pickles import ForbiddenName
from mfwb.pickles.allowlist import FRAMES, PATHS, PLAIN
from mfwb.pickles.standins import arrow, builtin, pandas

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
        ("builtins.getattr", builtin.zone_unpickler),
        ("builtins.bytes", builtin.bytes_of),
        ("builtins.bytearray", builtin.mutable_bytes_of),
        ("_codecs.encode", builtin.latin_bytes),
        ("numpy.core.multiarray._reconstruct", builtin.empty_array),
        ("pandas.core.internals.managers.BlockManager", pandas.block_manager),
        ("pyarrow.lib._restore_array", arrow.restored_array),
    ],
)
def test_the_door_stands_there(name: str, door: Callable[..., Any]) -> None:
    """These names never stand for the real thing."""
    assert FRAMES[name]() is door


def test_getattr_finds_one_thing_only() -> None:
    """All that `getattr` is good for is the way in which ZoneInfo is pickled."""
    assert builtin.zone_unpickler(builtin.Zone, "_unpickle") == builtin.zone
    for owner, name in [(builtin.Zone, "__init__"), (dict, "_unpickle"), (np.array([1]), "dump")]:
        with pytest.raises(ForbiddenName, match=r"builtins\.getattr"):
            builtin.zone_unpickler(owner, name)


def test_bytes() -> None:
    """Bytes are made of bytes, not of numbers of them."""
    assert builtin.bytes_of() == b""
    assert builtin.mutable_bytes_of("ÿ", "latin-1") == bytearray(b"\xff")
    makers: list[Callable[..., object]] = [
        builtin.bytes_of,
        builtin.mutable_bytes_of,
        builtin.latin_bytes,
    ]
    for make in makers:
        with pytest.raises(TypeError, match="unexpected int"):
            make(10**15)
    with pytest.raises(ForbiddenName, match="the encoding 'zlib'"):
        builtin.latin_bytes("x", "zlib")


def test_arrays_of_other_types() -> None:
    """Only plain arrays are made, not those of subclasses."""
    assert builtin.empty_array(builtin.ARRAY_KIND).shape == (0,)
    with pytest.raises(ForbiddenName, match="memmap"):
        builtin.empty_array(np.memmap)


def test_zones() -> None:
    """What pytz pickled becomes a zone of the standard library."""
    assert builtin.zone("Europe/Berlin", 3600, 0, "CET") == ZoneInfo("Europe/Berlin")
    for name in ("../../etc/passwd", "/etc/passwd", "", "a\0b", ["UTC"]):
        with pytest.raises(ForbiddenName, match="a time zone whose name is not valid"):
            builtin.zone(name)  # type: ignore[arg-type]
    assert builtin.utc() is dt.timezone.utc
    assert builtin.fixed_offset(-90).utcoffset(None) == dt.timedelta(minutes=-90)
