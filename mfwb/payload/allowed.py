"""What a pickle may refer to when mfwb loads it: exact names, none of which does harm.

A name that is not here costs little: the bytes of the pickle go to W&B as they are. So a name is
added only if (1) calling what it stands for does no harm, whatever the arguments: no code, no file
written, no attribute looked up by name; and (2), if it is a class, it makes something new each
time. Where the real thing is more powerful than pickles need, a function here stands in for it.

What pickle itself does with these objects (calls, items, states) is guarded by `mfwb.pickles`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from mfwb.payload.doors import (
    block_manager,
    bytes_of,
    latin_bytes,
    mutable_bytes_of,
    restored_array,
    unnamed_array,
    zone_unpickler,
    zones_of_file,
)
from mfwb.pickles import Allowed

__all__ = ["FRAME_MAKERS", "PATHS", "PLAIN", "frames"]

_NUMPY_CORES = ("numpy._core", "numpy.core")


def _attribute(*places: str) -> Any:
    """Return what is found at the first place that there is; libraries move things."""
    for place in places:
        module, _, name = place.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise LookupError(f"no {places[0]} in the installed version")


def _names(module: str, names: str) -> dict[str, Callable[[], Any]]:
    """Allow names of a module, as they are."""
    return {f"{module}.{name}": partial(_attribute, f"{module}.{name}") for name in names.split()}


def _only_called(module: str, names: str) -> dict[str, Callable[[], Any]]:
    """Allow classes that may return an old object; wrapped, so that nobody can change it."""
    return {name: partial(_caller, found) for name, found in _names(module, names).items()}


def _caller(find: Callable[[], Any]) -> Callable[..., Any]:
    found = find()
    return lambda *arguments, **named: found(*arguments, **named)


def _given(value: Any, *names: str) -> dict[str, Callable[[], Any]]:
    """Allow names that stand for something of our own."""
    return {name: lambda: value for name in names}


PLAIN: Allowed = {
    **_names("builtins", "bool complex dict float frozenset int list set str tuple"),
    **_given(bytes_of, "builtins.bytes"),
    **_given(mutable_bytes_of, "builtins.bytearray"),
    **_given(latin_bytes, "_codecs.encode"),
    **_names("collections", "Counter OrderedDict defaultdict deque"),
    **_names("datetime", "date datetime time timedelta timezone"),
    **_names("decimal", "Decimal"),
    **_names("fractions", "Fraction"),
    **_names("uuid", "UUID"),
    **_names("numpy", "dtype"),
    **{
        f"{core}.multiarray.scalar": partial(
            _attribute, "numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"
        )
        for core in _NUMPY_CORES
    },
}
"""For values: what `mfwb.planning.kinds` takes for plain."""

PATHS: Allowed = {
    f"{module}.{prefix}{name}": partial(_attribute, f"pathlib.{pure.__name__}")
    for module in ("pathlib", "pathlib._local")
    for pure, names in (
        (PurePosixPath, ("Path", "PosixPath", "PurePosixPath")),
        (PureWindowsPath, ("WindowsPath", "PureWindowsPath")),
    )
    for prefix, name in (("", name) for name in names)
}
"""For paths: they come out pure, whatever machine they are from."""

FRAME_MAKERS = frozenset(
    {
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "pandas._libs.interval.__pyx_unpickle_IntervalMixin",
    }
)
"""Functions for frames that make something new each time."""


@cache
def frames() -> Allowed:
    """Return what DataFrames of pandas 2.2 and later refer to."""
    return {**PLAIN, **_PYTHON, **_NUMPY, **_TIME_ZONES, **_PANDAS, **_PANDAS_2, **_ARROW}


_PYTHON: Allowed = _names("builtins", "slice range")

_NUMPY: Allowed = {
    **_names("numpy", "ndarray"),
    **{
        f"{core}.{name}": partial(_attribute, *(f"{place}.{name}" for place in _NUMPY_CORES))
        for core in _NUMPY_CORES
        for name in ("numeric._frombuffer",)
    },
    **{
        name: lambda: unnamed_array
        for name in (f"{c}.multiarray._reconstruct" for c in _NUMPY_CORES)
    },
}

_TIME_ZONES: Allowed = {
    **_given(zone_unpickler, "builtins.getattr"),
    **_names("zoneinfo", "ZoneInfo"),
    **_names("pytz", "FixedOffset _FixedOffset _UTC _p"),
    **_only_called("dateutil.tz.tz", "tzutc"),
}

_OFFSETS = (
    "BQuarterBegin BQuarterEnd BYearBegin BYearEnd BusinessDay BusinessHour BusinessMonthBegin "
    "BusinessMonthEnd Day Easter Hour LastWeekOfMonth Micro Milli Minute MonthBegin MonthEnd Nano "
    "QuarterBegin QuarterEnd Second SemiMonthBegin SemiMonthEnd Week WeekOfMonth YearBegin YearEnd"
)
