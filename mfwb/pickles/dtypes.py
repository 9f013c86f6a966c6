"""Check of pickled numpy dtypes against the dtypes that numpy itself creates.

A state with other sizes or flags makes numpy read beyond the bytes it was given, or take bytes for
pointers. numpy is imported only for pickles that contain numpy objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["build_described_dtype", "build_named_dtype"]

_NAME = re.compile(r"[?bBhHiIlLqQefdgFDGSUVOMmcu][0-9]{0,9}|b1")
_UNITS = frozenset(
    {"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"}
)
_ALIGNED = 0x80  # numpy's NPY_ALIGNED_STRUCT

_Real = Callable[[Any], Any]
"""Returns the bytes or the dtype that a stand-in in a state represents; None if neither."""


def build_named_dtype(arguments: tuple[Any, ...]) -> Any:
    """Return the dtype that a call creates; None if numpy's pickles contain no such call."""
    import numpy as np  # noqa: PLC0415

    if not arguments or not isinstance(arguments[0], str) or not _NAME.fullmatch(arguments[0]):
        return None
    try:
        return np.dtype(arguments[0])
    except (TypeError, ValueError):
        return None


def build_described_dtype(arguments: tuple[Any, ...], state: Any, real: _Real) -> Any:
    """Return the dtype that a pickle describes; None unless numpy would describe it identically.

    Args:
        arguments: of the call that creates the dtype.
        state: the state that the pickle then sets.
        real: returns the real object for a stand-in in the state.
    """
    base = build_named_dtype(arguments)
    if base is None or not isinstance(state, tuple) or len(state) < 8:  # noqa: PLR2004
        return None
    _, order, subdtype, names, fields, size, alignment, flags, *rest = state
    dtype = base
    if (subdtype, names, fields) != (None, None, None):
        aligned = type(flags) is int and bool(flags & _ALIGNED)
        dtype = _build_composed_dtype(base, subdtype, (names, fields), real, aligned=aligned)
    if dtype is None or order not in {"<", ">", "|", "="} or not _is_plain(dtype, rest, real):
        return None
    if dtype is base:
        is_honest = size in {-1, dtype.itemsize} and alignment in {-1, dtype.alignment}
    else:
        is_honest = size == dtype.itemsize == base.itemsize and alignment == dtype.alignment
    return dtype if is_honest and flags == dtype.flags else None


def _build_composed_dtype(
    base: Any, subdtype: Any, fields: Any, real: _Real, *, aligned: bool
) -> Any:
    if base.kind != "V" or not _have_expected_types(subdtype, *fields):
        return None
    try:
        if subdtype is None:
            return _build_struct_dtype(fields, base.itemsize, real, aligned=aligned)
        return _build_array_dtype(subdtype, real) if fields == (None, None) else None
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _have_expected_types(subdtype: Any, names: Any, fields: Any) -> bool:
    """Whether these have the types that numpy relies on without a check."""
    if subdtype is not None:
        return type(subdtype) is tuple and len(subdtype) == 2  # noqa: PLR2004 - a part, a shape
    return (
        type(names) is tuple
        and type(fields) is dict
        and all(type(name) is str for name in (*names, *fields))
        and all(type(field) is tuple for field in fields.values())
    )


def _build_struct_dtype(structure: Any, size: int, real: _Real, *, aligned: bool) -> Any:
    import numpy as np  # noqa: PLC0415

    names, fields = structure
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


def _build_array_dtype(subdtype: Any, real: _Real) -> Any:
    import numpy as np  # noqa: PLC0415

    inner, shape = subdtype
    part = real(inner)
    return np.dtype((part, shape)) if _is_data(part) else None


def _is_data(dtype: Any) -> bool:
    import numpy as np  # noqa: PLC0415

    return isinstance(dtype, np.dtype) and not dtype.hasobject


def _is_plain(dtype: Any, rest: list[Any], real: _Real) -> bool:
    """Whether the state after the flags holds at most the unit of a time dtype."""
    if not rest:  # numpy reads the unit of a time dtype whether or not there is one
        return dtype.kind not in "Mm"
    if dtype.kind not in "Mm" or len(rest) != 1:
        return False
    (about,) = rest
    if type(about) is not tuple or len(about) != 2 or type(about[1]) is not tuple:  # noqa: PLR2004
        return False  # numpy relies on these types without a check
    metadata, (unit, *numbers) = about
    if not (metadata is None or type(metadata) is dict):
        return False
    name = unit if isinstance(unit, str) else (real(unit) or b"").decode("latin1")
    return (
        not metadata
        and name in _UNITS
        and len(numbers) in {2, 3}
        and all(type(number) is int and 0 < number < 2**31 for number in numbers)
    )
