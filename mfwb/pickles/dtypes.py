"""What a pickle says of a numpy dtype, held against what numpy itself says.

A state with other sizes or flags makes numpy read beyond the bytes it was given, or take bytes for
pointers. numpy is imported only for who pickled something of its.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["described", "named"]

_NAME = re.compile(r"[?bBhHiIlLqQefdgFDGSUVOMmcu][0-9]{0,9}|b1")
_UNITS = frozenset(
    {"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"}
)
_ALIGNED = 0x80  # numpy's NPY_ALIGNED_STRUCT

_Real = Callable[[Any], Any]
"""Returns the bytes or the dtype that something in a state stands for; None if neither."""


def named(arguments: tuple[Any, ...]) -> Any:
    """Return the dtype that a call makes; None if it is not one that numpy's pickles make."""
    import numpy as np  # noqa: PLC0415

    if not arguments or not isinstance(arguments[0], str) or not _NAME.fullmatch(arguments[0]):
        return None
    try:
        return np.dtype(arguments[0])
    except (TypeError, ValueError):
        return None


def described(arguments: tuple[Any, ...], state: Any, real: _Real) -> Any:
    """Return a dtype as its pickle describes it; None unless numpy would describe it just so.

    Args:
        arguments: of the call that makes it.
        state: that is set.
        real: tells what is in the state.
    """
    base = named(arguments)
    if base is None or not isinstance(state, tuple) or len(state) < 8:  # noqa: PLR2004
        return None
    _, order, subdtype, names, fields, size, alignment, flags, *rest = state
    found = base
    if (subdtype, names, fields) != (None, None, None):
        aligned = type(flags) is int and bool(flags & _ALIGNED)
        found = _composed(base, subdtype, (names, fields), real, aligned=aligned)
    if found is None or order not in {"<", ">", "|", "="} or not _is_plain(found, rest, real):
        return None
    if found is base:
        honest = size in {-1, found.itemsize} and alignment in {-1, found.alignment}
    else:
        honest = size == found.itemsize == base.itemsize and alignment == found.alignment
    return found if honest and flags == found.flags else None


def _composed(base: Any, subdtype: Any, fields: Any, real: _Real, *, aligned: bool) -> Any:
    if base.kind != "V" or not _are_of_their_types(subdtype, *fields):
        return None
    try:
        if subdtype is None:
            return _struct_of(fields, base.itemsize, real, aligned=aligned)
        return _array_of(subdtype, real) if fields == (None, None) else None
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _are_of_their_types(subdtype: Any, names: Any, fields: Any) -> bool:
    """Whether these are what numpy takes them for without a look."""
    if subdtype is not None:
        return type(subdtype) is tuple and len(subdtype) == 2  # noqa: PLR2004 - a part, a shape
    return (
        type(names) is tuple
        and type(fields) is dict
        and all(type(name) is str for name in (*names, *fields))
        and all(type(field) is tuple for field in fields.values())
    )


def _struct_of(described: Any, size: int, real: _Real, *, aligned: bool) -> Any:
    import numpy as np  # noqa: PLC0415

    names, fields = described
    parts = [(real(fields[name][0]), *fields[name][1:]) for name in names]
    if len(fields) != len(names) or not all(_is_data(part) for part, _offset in parts):
        return None
    parameters = {
        "names": list(names),
        "formats": [part for part, _ in parts],
        "offsets": [offset for _, offset in parts],
        "itemsize": size,
    }
    return np.dtype(parameters, align=aligned)  # type: ignore[call-overload]


def _array_of(subdtype: Any, real: _Real) -> Any:
    import numpy as np  # noqa: PLC0415

    inner, shape = subdtype
    part = real(inner)
    return np.dtype((part, shape)) if _is_data(part) else None


def _is_data(dtype: Any) -> bool:
    import numpy as np  # noqa: PLC0415

    return isinstance(dtype, np.dtype) and not dtype.hasobject


def _is_plain(dtype: Any, rest: list[Any], real: _Real) -> bool:
    """Whether what stands behind the flags is at most the unit of a time."""
    if not rest:  # numpy reads the unit of a time whether or not there is one
        return dtype.kind not in "Mm"
    if dtype.kind not in "Mm" or len(rest) != 1:
        return False
    (about,) = rest
    if type(about) is not tuple or len(about) != 2 or type(about[1]) is not tuple:  # noqa: PLR2004
        return False  # numpy takes them for that, whatever they are
    metadata, (unit, *numbers) = about
    if not (metadata is None or type(metadata) is dict):
        return False
    name = unit if isinstance(unit, str) else (real(unit) or b"").decode("latin1")
    return (
        not metadata
        and name in _UNITS
        and len(numbers) in {2, 3}
        and all(type(one) is int and 0 < one < 2**31 for one in numbers)
    )
