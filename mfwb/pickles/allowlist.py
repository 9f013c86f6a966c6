"""Allow-list: the exact names that a pickle may refer to when mfwb loads it; none does harm.

A name that is missing here costs little: the pickle goes to W&B as it is. So a name is added only
if (1) calling its object does no harm, whatever the arguments: it runs no code, writes no file,
looks up no attribute by name; and (2), if it is a class, it creates a new object each time. Where
the real object can do more than pickles need, there is a stand-in for it in `standins`.

What a pickle does to these objects (calls, items, states) is checked by `preflight` and `limits`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from mfwb.pickles.placeholders import stand_in_for_type
from mfwb.pickles.standins import arrow, builtin, pandas, polars
from mfwb.pickles.unpickler import Allowed

__all__ = ["ARRAYS", "BARE", "FRAMES", "FRAME_MAKERS", "PATHS", "PLAIN", "ZONES"]

_Names = dict[str, Callable[[], Any]]


def _import_first(*paths: str) -> Any:
    """Return the object at the first of these paths that exists; libraries move their objects."""
    for path in paths:
        module, _, name = path.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise LookupError(f"there is no {paths[0]} in the installed version")


def _as_is(module: str, names: str) -> _Names:
    """Allow names of one module, separated by blanks."""
    paths = [f"{module}.{name}" for name in names.split()]
    return {path: partial(_import_first, path) for path in paths}


def _moved(paths: str) -> _Names:
    """Allow one object under several names, the newest first."""
    return dict.fromkeys(paths.split(), partial(_import_first, *paths.split()))


def _merged(module: str, name: str, into: str) -> _Names:
    """Allow a class that later versions have merged into another class."""
    return {f"{module}.{name}": partial(_import_first, f"{module}.{name}", f"{module}.{into}")}


def _wrapped(module: str, names: str) -> _Names:
    """Allow calls of classes that can return an existing object, whose state must not be set."""
    return {name: partial(_caller, find) for name, find in _as_is(module, names).items()}


def _caller(find: Callable[[], Any]) -> Callable[..., Any]:
    kind = find()
    return lambda *arguments: kind(*arguments)  # noqa: PLW0108 - it must hide the class


def _replaced(stand_in: Any, *names: str) -> _Names:
    """Allow names, with a stand-in in place of the real object."""
    return {name: lambda: stand_in for name in names}


PLAIN: Allowed = {
    **{
        f"builtins.{kind.__name__}": partial(stand_in_for_type, kind)
        for kind in (bool, dict, float, int, list, str, tuple)
    },
    **_as_is("builtins", "complex"),
    **_replaced(builtin.items, "builtins.set"),
    **_replaced(builtin.frozen_items, "builtins.frozenset"),
    **_replaced(builtin.bytes_of, "builtins.bytes"),
    **_replaced(builtin.mutable_bytes_of, "builtins.bytearray"),
    **_replaced(builtin.range_of, "builtins.range"),
    **_replaced(builtin.slice_of, "builtins.slice"),
    **_replaced(builtin.same_dict, "metaflow.user_configs.config_parameters.ConfigValue"),
    **_replaced(builtin.latin_bytes, "_codecs.encode"),
    **_replaced(builtin.counter, "collections.Counter"),
    **_replaced(builtin.ordered, "collections.OrderedDict"),
    **_replaced(builtin.with_default, "collections.defaultdict"),
    **_replaced(builtin.queue, "collections.deque"),
    **_as_is("datetime", "date datetime time timedelta timezone"),
    **_replaced(builtin.decimal, "decimal.Decimal"),
    **_replaced(builtin.fraction, "fractions.Fraction"),
    **_as_is("uuid", "UUID"),
    **_replaced(builtin.dtype, "numpy.dtype"),
    **_replaced(
        builtin.numpy_scalar, "numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"
    ),
}
"""For values: the types that `mfwb.planning.classify` treats as plain."""

PATHS: Allowed = {
    f"{module}.{name}": find
    for module in ("pathlib", "pathlib._local")
    for name, find in {
        **dict.fromkeys(("Path", "PosixPath", "PurePosixPath"), lambda: PurePosixPath),
        **dict.fromkeys(("WindowsPath", "PureWindowsPath"), lambda: PureWindowsPath),
    }.items()
}
"""For paths: they become pure paths, from any machine."""

FRAME_MAKERS = frozenset(
    {
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "pandas._libs.interval.__pyx_unpickle_IntervalMixin",
    }
)
"""Functions among the names for frames that create a new object each time."""

_NUMPY: Allowed = {
    **_replaced(builtin.ARRAY_KIND, "numpy.ndarray"),
    **_replaced(
        builtin.array_of, "numpy._core.numeric._frombuffer", "numpy.core.numeric._frombuffer"
    ),
    **_replaced(
        builtin.empty_array,
        "numpy._core.multiarray._reconstruct",
        "numpy.core.multiarray._reconstruct",
    ),
}

_TIME_ZONES: Allowed = {
    **_replaced(builtin.Zone, "zoneinfo.ZoneInfo"),
    **_replaced(builtin.zone_unpickler, "builtins.getattr"),
    **_replaced(builtin.zone, "pytz._p"),
    **_replaced(builtin.utc, "pytz._UTC"),
    **_replaced(builtin.fixed_offset, "pytz.FixedOffset"),
}

ZONES: Allowed = {name: find for name, find in _TIME_ZONES.items() if name != "builtins.getattr"}
"""For time zones, without `getattr`, which pickles of `zoneinfo` also refer to."""

_ARROW: Allowed = {
    **_as_is(
        "pyarrow.lib",
        "binary bool_ date32 date64 decimal128 decimal256 dictionary duration field large_list "
        "list_ map_ struct time32 time64 timestamp type_for_alias",
    ),
    **_as_is("pyarrow.lib", "decimal32 decimal64 large_list_view list_view"),  # of later versions
    **_replaced(arrow.buffer, "pyarrow.lib.py_buffer"),
    **_replaced(arrow.restored_array, "pyarrow.lib._restore_array"),
    **_replaced(arrow.chunked_array, "pyarrow.lib.chunked_array"),
    **_replaced(arrow.schema, "pyarrow.lib.schema"),
    **_replaced(arrow.table, "pyarrow.lib._reconstruct_table"),
    **_replaced(arrow.record_batch, "pyarrow.lib._reconstruct_record_batch"),
}

_POLARS: Allowed = {
    **_replaced(polars.Frame, "polars.dataframe.frame.DataFrame"),
    **_replaced(polars.Series, "polars.series.series.Series"),
}

_INTEGERS = " ".join(f"{kind}{bits}Dtype" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64))

_PANDAS: Allowed = {
    **_as_is(
        "pandas",
        "ArrowDtype BooleanDtype Categorical CategoricalDtype CategoricalIndex DataFrame "
        "DatetimeIndex DatetimeTZDtype Float32Dtype Float64Dtype Index IntervalDtype "
        "IntervalIndex MultiIndex NA PeriodIndex RangeIndex Series StringDtype TimedeltaIndex "
        f"{_INTEGERS}",
    ),
    **_as_is(
        "pandas.arrays",
        "ArrowExtensionArray ArrowStringArray BooleanArray DatetimeArray FloatingArray "
        "IntegerArray IntervalArray PeriodArray StringArray TimedeltaArray",
    ),
    **_wrapped("pandas", "Interval Period PeriodDtype"),
    **_replaced(pandas.block_manager, "pandas.core.internals.managers.BlockManager"),
    "pandas.core.internals.managers.SingleBlockManager": pandas.single_block_manager,
    **_as_is("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
    **_replaced(pandas.unpickled_block, "pandas._libs.internals._unpickle_block"),
    **_as_is("pandas._libs.interval", "__pyx_unpickle_IntervalMixin"),
    **_moved(
        "pandas._libs.tslibs.nattype._nat_unpickle pandas._libs.tslibs.nattype.__nat_unpickle"
    ),
    **_as_is("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle"),
    **_as_is("pandas._libs.tslibs.timestamps", "_unpickle_timestamp"),
    **_as_is(
        "pandas._libs.tslibs.offsets",
        "BQuarterBegin BQuarterEnd BYearBegin BYearEnd BusinessDay BusinessHour "
        "BusinessMonthBegin BusinessMonthEnd Day Hour LastWeekOfMonth Micro Milli Minute "
        "MonthBegin MonthEnd Nano QuarterBegin QuarterEnd Second SemiMonthBegin SemiMonthEnd "
        "Week WeekOfMonth YearBegin YearEnd",
    ),
    **{
        path: partial(pandas.stand_in_for_index_function, path)
        for path in (
            "pandas.core.indexes.base._new_Index",
            "pandas.core.indexes.datetimes._new_DatetimeIndex",
            "pandas.core.indexes.interval._new_IntervalIndex",
            "pandas.core.indexes.timedeltas._new_TimedeltaIndex",
        )
    },
}

_PANDAS_2: Allowed = {
    **_as_is("pandas._libs.missing", "NA"),
    **_wrapped("pandas._libs.interval", "Interval"),
    **_wrapped("pandas._libs.tslibs.period", "Period"),
    **_as_is("pandas.core.arrays.arrow.array", "ArrowExtensionArray"),
    **_as_is("pandas.core.arrays.boolean", "BooleanArray BooleanDtype"),
    **_as_is("pandas.core.arrays.categorical", "Categorical"),
    **_as_is("pandas.core.arrays.datetimes", "DatetimeArray"),
    **_as_is("pandas.core.arrays.floating", "Float32Dtype Float64Dtype FloatingArray"),
    **_as_is("pandas.core.arrays.integer", f"IntegerArray {_INTEGERS}"),
    **_as_is("pandas.core.arrays.interval", "IntervalArray"),
    **_as_is("pandas.core.arrays.period", "PeriodArray"),
    **_as_is("pandas.core.arrays.string_", "StringArray StringDtype"),
    **_as_is("pandas.core.arrays.string_arrow", "ArrowStringArray"),
    **_merged("pandas.core.arrays.string_", "StringArrayNumpySemantics", "StringArray"),
    **_merged(
        "pandas.core.arrays.string_arrow", "ArrowStringArrayNumpySemantics", "ArrowStringArray"
    ),
    **_as_is("pandas.core.arrays.timedeltas", "TimedeltaArray"),
    **_as_is(
        "pandas.core.dtypes.dtypes", "ArrowDtype CategoricalDtype DatetimeTZDtype IntervalDtype"
    ),
    **_wrapped("pandas.core.dtypes.dtypes", "PeriodDtype"),
    **_as_is("pandas.core.frame", "DataFrame"),
    **_as_is("pandas.core.series", "Series"),
    **_as_is("pandas.core.indexes.base", "Index"),
    **_as_is("pandas.core.indexes.category", "CategoricalIndex"),
    **_as_is("pandas.core.indexes.datetimes", "DatetimeIndex"),
    **_as_is("pandas.core.indexes.interval", "IntervalIndex"),
    **_as_is("pandas.core.indexes.multi", "MultiIndex"),
    **_as_is("pandas.core.indexes.period", "PeriodIndex"),
    **_as_is("pandas.core.indexes.range", "RangeIndex"),
    **_as_is("pandas.core.indexes.timedeltas", "TimedeltaIndex"),
}

_WITH_ARGUMENTS = re.compile(r"pandas\.(_libs|core\.arrays\.string_\.StringDtype|StringDtype).*")
"""Names of pandas that pickles call with arguments: all others are classes, created empty."""

BARE = frozenset(name for name in (*_PANDAS, *_PANDAS_2) if not _WITH_ARGUMENTS.fullmatch(name))
"""Classes that may only be created empty and then get a state: arguments would allow far more."""

ARRAYS: Allowed = {**PLAIN, **_NUMPY}
"""For numpy's arrays and scalars, and dicts and lists of them."""

FRAMES: Allowed = {
    **ARRAYS,
    **_as_is("builtins", "slice"),
    **_TIME_ZONES,
    **_ARROW,
    **_POLARS,
    **_PANDAS,
    **_PANDAS_2,
}
"""For all tables, and dicts and lists of them.

DataFrames, Series and Indexes of pandas 2.2 and later; tables and arrays of arrow 16 and later;
DataFrames and Series of polars 1 and 2, for which there are stand-ins.
"""
