"""Stand-ins for the containers of data in pandas' frames and series, which trust their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import cache
from importlib import import_module
from typing import Any

from mfwb.pickles.standins.arrow import expected

__all__ = [
    "EMPTY_LIMIT",
    "block_manager",
    "check_values",
    "forbid_time_zone_files",
    "single_block_manager",
    "stand_in_for_index_function",
    "unpickled_block",
]

COLUMN_LIMIT = 1_000_000
"""Columns; labels of any number of columns can take no bytes."""

EMPTY_LIMIT = 10_000_000
"""Items of an index that needs no bytes for them, if all of them will be written out."""

_INDEX_FACTS = frozenset(
    {"data", "name", "freq", "tz", "closed", "left", "right", "start", "stop", "step"}
    | {"levels", "codes", "names", "sortorder"}
)
_ARRAY_FACTS = ("data", "left", "right")
_UNITS = frozenset({"s", "ms", "us", "ns"})


def forbid_time_zone_files() -> None:
    """Stop pandas from opening a file for a time zone: it accepts "dateutil/" and a path."""
    zones: Any = import_module("pandas._libs.tslibs.timezones")
    zones.dateutil_gettz = _no_file


def _no_file(name: Any) -> Any:
    raise ValueError(f"a time zone in a file: {str(name)[:100]!r}")


def unpickled_block(values: Any, placement: Any, ndim: int) -> Any:
    """Stand in for pandas' `_unpickle_block`, which reads the memory of any argument."""
    import numpy as np  # noqa: PLC0415

    check_values(values)
    expected(placement, slice, np.ndarray)
    if isinstance(placement, np.ndarray) and (placement.dtype.kind != "i" or placement.ndim != 1):
        raise ValueError("positions of a block that are not valid")
    if ndim not in {1, 2} or (isinstance(values, np.ndarray) and values.ndim != ndim):
        raise ValueError("a block of other dimensions than its values")
    internals = import_module("pandas._libs.internals")
    return internals._unpickle_block(values, placement, ndim)  # noqa: SLF001 - as its pickles do


def stand_in_for_index_function(path: str) -> Callable[[type, dict[str, Any]], Any]:
    """Return a stand-in for a function that creates an index from a dict of its properties.

    pandas passes these to the constructor, which also accepts text and lists, and the name of a
    dtype, whose time zone may be a file.
    """
    module, _, name = path.rpartition(".")

    def index(kind: type, facts: dict[str, Any]) -> Any:
        import pandas as pd  # noqa: PLC0415

        if not isinstance(kind, type) or not issubclass(kind, pd.Index):
            raise TypeError("an index that is not valid")
        if not expected(facts, dict).keys() <= _INDEX_FACTS:
            raise ValueError("an index with unknown attributes")
        for key in _ARRAY_FACTS:
            if key in facts and not isinstance(facts[key], pd.Index):
                check_values(facts[key])
        _check_ranges(facts)
        if issubclass(kind, pd.MultiIndex):
            _check_levels(facts)
        elif not issubclass(kind, pd.RangeIndex) and not facts.keys() & set(_ARRAY_FACTS):
            raise ValueError("an index without data")
        return getattr(import_module(module), name)(kind, dict(facts))

    return index


def _check_ranges(facts: dict[str, Any]) -> None:
    for key in ("start", "stop", "step"):
        if key in facts and type(facts[key]) is not int:
            raise TypeError("a range of other things than numbers")
    if not isinstance(facts.get("tz"), (type(None), tzinfo)):
        raise TypeError("a time zone that is not valid")


def _check_levels(facts: dict[str, Any]) -> None:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    levels = expected(facts.get("levels"), list, tuple)
    codes = expected(facts.get("codes"), list, tuple)
    for level in levels:
        expected(level, pd.Index)
    lengths = set()
    for level_codes in codes:
        if (
            not isinstance(level_codes, np.ndarray)
            or level_codes.dtype.kind != "i"
            or level_codes.ndim != 1
        ):
            raise TypeError("codes of an index that are not integers")
        lengths.add(len(level_codes))
    if len(levels) != len(codes) or len(lengths) > 1:
        raise ValueError("codes of an index that don't fit")
    for level_codes, level in zip(codes, levels, strict=True):
        if len(level_codes) and (level_codes.min() < -1 or level_codes.max() >= len(level)):
            raise ValueError("a level that does not exist")
        if isinstance(level, pd.RangeIndex) and len(level) > EMPTY_LIMIT:
            raise ValueError("a level of more items than it has bytes for")


def check_values(values: Any) -> None:
    """Raise an error unless an array of pandas has valid parts, on which pandas relies."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "biufcOSUMmV":
            raise TypeError("values that are not an array")
        if values.dtype.kind in "Mm":
            _check_unit(values.dtype)
    elif isinstance(values, import_module("pandas._libs.arrays").NDArrayBacked):
        _check_backed(values)
    elif isinstance(values, (pd.arrays.BooleanArray, *_numeric())):
        _check_masked(values)
    elif isinstance(values, pd.arrays.ArrowExtensionArray):
        import pyarrow as pa  # noqa: PLC0415

        expected(vars(values).get("_pa_array"), pa.ChunkedArray).validate()
    elif isinstance(values, pd.arrays.IntervalArray):
        left, right = (expected(vars(values).get(name), pd.Index, *_arrays()) for name in _SIDES)
        if len(left) != len(right) or type(left) is not type(right):
            raise ValueError("intervals of which some have no end")
    else:
        raise TypeError(f"a {type(values).__name__} is not an array")


_SIDES = ("_left", "_right")


def _numeric() -> tuple[type, ...]:
    import pandas as pd  # noqa: PLC0415

    return pd.arrays.IntegerArray, pd.arrays.FloatingArray


def _arrays() -> tuple[type, ...]:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    return np.ndarray, pd.api.extensions.ExtensionArray


def _check_unit(dtype: Any) -> None:
    import numpy as np  # noqa: PLC0415

    unit, count = np.datetime_data(dtype)
    if unit not in _UNITS or count != 1:
        raise ValueError(f"times in units of {count} {unit}")


def _check_masked(values: Any) -> None:
    import numpy as np  # noqa: PLC0415

    data, mask = (expected(vars(values).get(name), np.ndarray) for name in ("_data", "_mask"))
    if mask.dtype != bool or data.shape != mask.shape or data.dtype.kind not in "biuf":
        raise ValueError("a mask that does not fit its data")


def _check_backed(values: Any) -> None:
    """Check a numpy array with a dtype of pandas' own on top."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    data, dtype = expected(values._ndarray, np.ndarray), values._dtype  # noqa: SLF001 - what is trusted
    if isinstance(values, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        kind = "M" if isinstance(values, pd.arrays.DatetimeArray) else "m"
        _check_unit(data.dtype)
        if isinstance(dtype, pd.DatetimeTZDtype):
            facts = vars(dtype)  # a pickle may have set any state
            expected(facts.get("_tz"), tzinfo)
            fits = kind == "M" and np.datetime_data(data.dtype)[0] == facts.get("_unit")
        else:
            fits = dtype == data.dtype
        if data.dtype.kind != kind or not fits:
            raise ValueError("times that are not of their dtype")
    elif isinstance(values, pd.arrays.PeriodArray):
        expected(dtype, pd.PeriodDtype)
        if data.dtype != np.int64:
            raise ValueError("periods that are not integers")
    elif isinstance(values, pd.Categorical):
        categories = expected(expected(dtype, pd.CategoricalDtype)._categories, pd.Index)  # noqa: SLF001
        if data.dtype.kind != "i" or (
            data.size and (data.min() < -1 or data.max() >= len(categories))
        ):
            raise ValueError("a category that does not exist")
        if isinstance(categories, pd.RangeIndex) and len(categories) > EMPTY_LIMIT:
            raise ValueError("more categories than there are bytes for")
    elif data.dtype != object:
        raise ValueError(f"a {type(values).__name__} of {data.dtype}")


def block_manager(blocks: Sequence[Any], axes: Sequence[Any]) -> Any:
    """Stand in for pandas' BlockManager, which trusts the positions that blocks claim."""
    import pandas as pd  # noqa: PLC0415

    managers = import_module("pandas.core.internals.managers")  # it has no type stubs
    for axis in expected(axes, list, tuple):
        expected(axis, pd.Index)
    if len(axes) != 2:  # noqa: PLR2004 - columns and rows
        raise ValueError("a frame without two axes")
    if len(axes[0]) > COLUMN_LIMIT:
        raise ValueError(f"a frame of more than {COLUMN_LIMIT:,} columns")
    base = import_module("pandas._libs.internals").Block
    for block in expected(blocks, tuple, list):
        if len(expected(block, base).mgr_locs) != _columns_of(block):
            raise ValueError("a block of the frame claims positions that it can't fill")
    manager = managers.BlockManager(tuple(blocks), list(axes), verify_integrity=True)
    positions = sorted(position for block in manager.blocks for position in block.mgr_locs)
    if positions != list(range(len(axes[0]))):
        raise ValueError("blocks of the frame have wrong positions")
    return manager


@cache
def single_block_manager() -> type:
    """Return the stand-in for pandas' SingleBlockManager, which a Series holds."""
    import pandas as pd  # noqa: PLC0415

    managers = import_module("pandas.core.internals.managers")

    class Checked(managers.SingleBlockManager):  # type: ignore[misc, name-defined]
        """Manager of one block with one dimension and the length of its labels."""

        __slots__ = ()

        def __setstate__(self, state: Any) -> None:
            for block in _blocks_in(state):
                if not isinstance(block["values"], pd.Index):
                    check_values(block["values"])
            super().__setstate__(state)
            (block,), (labels,) = self.blocks, self.axes
            sizes = {len(labels), len(block.values), len(block.mgr_locs)}
            if len(sizes) != 1 or block.ndim != 1 or getattr(block.values, "ndim", 1) != 1:
                raise ValueError("a series has more or fewer values than labels")

    return Checked


def _blocks_in(state: Any) -> list[dict[str, Any]]:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    facts = expected(expected(state, tuple)[3], dict)["0.14.1"]
    for axis in expected(facts["axes"], list, tuple):
        expected(axis, pd.Index)
    blocks = list(expected(facts["blocks"], list, tuple))
    for block in blocks:
        expected(block["mgr_locs"], slice, np.ndarray)
    return blocks


def _columns_of(block: Any) -> int:
    values = block.values  # noqa: PD011 - a block has no `to_numpy`
    return len(values) if values.ndim > 1 else 1
