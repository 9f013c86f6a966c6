"""DataFrames of every kind that pandas can create and parquet can store."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

_BERLIN = ZoneInfo("Europe/Berlin")
_WHOLE = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"]


def columns() -> dict[str, Any]:
    """Return columns of every dtype."""
    return {
        "int8": np.array([1, 2], "int8"),
        "uint64": np.array([1, 2**64 - 1], "uint64"),
        "float16": np.array([1, 2], "float16"),
        "float64": [1.5, np.nan],
        "bool": [True, False],
        "str": ["x", None],
        "object": np.array(["x", None], dtype=object),
        "bytes": [b"x", None],
        "lists": [[1, 2], None],
        "arrays": [np.array([1, 2]), np.array([3])],
        "dates": [dt.date(2026, 1, 1), None],
        "times": [dt.time(1, 2), None],
        "decimals": [Decimal("1.5"), Decimal(2)],
        **{name: _array([1, None], name) for name in _WHOLE},
        **{name: _array([1.5, None], name) for name in ("Float32", "Float64")},
        "boolean": _array([True, None], "boolean"),
        "string": _array(["x", None], "string[python]"),
        "string_arrow": _array(["x", None], "string[pyarrow]"),
        "category": pd.Categorical(["b", None], categories=["a", "b"]),
        "ordered": pd.Categorical([3, 1], categories=[1, 3], ordered=True),
        "datetime": _array(["2026-01-01", None], "datetime64[ns]"),
        "datetime_s": np.array(["2026-01-01", "2027-01-01"], "M8[s]"),
        "datetime_utc": pd.date_range("2026-01-01", periods=2, tz="UTC"),
        "datetime_zone": pd.date_range("2026-01-01", periods=2, tz=_BERLIN),
        "datetime_fixed": pd.date_range(
            "2026-01-01", periods=2, tz=dt.timezone(dt.timedelta(0, 7200))
        ),
        "timedelta": pd.to_timedelta(["1s", None]),
        "period": pd.period_range("2026-01", periods=2, freq="M"),
        "quarter": pd.period_range("2026-01", periods=2, freq="Q-NOV"),
        "interval": pd.interval_range(0, 2),
        **{f"arrow_{name}": _arrow(type_, values) for name, type_, values in _arrow_columns()},
    }


def _array(values: list[Any], dtype: str) -> Any:
    return pd.array(values, dtype=dtype)  # type: ignore[call-overload]


def _arrow_columns() -> list[tuple[str, Any, list[Any]]]:
    return [
        ("int", pa.int32(), [1, None]),
        ("string", pa.string(), ["x", None]),
        (
            "timestamp",
            pa.timestamp("us", "UTC"),
            [dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), None],
        ),
        ("date", pa.date32(), [dt.date(2026, 1, 1), None]),
        ("list", pa.list_(pa.int64()), [[1], None]),
        ("struct", pa.struct([("x", pa.int64())]), [{"x": 1}, None]),
        ("map", pa.map_(pa.string(), pa.int64()), [[("x", 1)], None]),
        ("decimal", pa.decimal128(5, 2), [Decimal("1.5"), None]),
        ("dictionary", pa.dictionary(pa.int32(), pa.string()), ["x", None]),
    ]


def _arrow(type_: Any, values: list[Any]) -> Any:
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, type=type_)]))


def indexes() -> dict[str, Any]:
    """Return row indexes of every kind."""
    return {
        "numbers": pd.Index([3, 1], name="k"),
        "text": pd.Index(["a", "b"]),
        "objects": pd.Index(["a", "b"], dtype=object),
        "range": pd.RangeIndex(5, 15, 5),
        "multi": pd.MultiIndex.from_product([["a"], [1, 2]], names=["x", "y"]),
        "multi_time": pd.MultiIndex.from_product(
            [pd.date_range("2026", periods=2), pd.Categorical(["a"])]
        ),
        "days": pd.date_range("2026", periods=2, freq="D"),
        "business_days": pd.date_range("2026", periods=2, freq="B"),
        "month_ends": pd.date_range("2026", periods=2, freq="ME", tz=_BERLIN),
        "two_hours": pd.date_range("2026", periods=2, freq="2h"),
        "tuesdays": pd.date_range("2026", periods=2, freq="W-TUE"),
        "quarters": pd.date_range("2026", periods=2, freq="QS"),
        "timedeltas": pd.timedelta_range("1h", periods=2),
        "periods": pd.period_range("2026", periods=2, freq="M"),
        "intervals": pd.interval_range(pd.Timestamp("2026"), periods=2),
        "categories": pd.CategoricalIndex(["a", "b"]),
        "nullable": pd.Index(_array([1, 2], "Int64")),
        "arrow": pd.Index(_array([1, 2], "int64[pyarrow]")),
    }


def frames() -> dict[str, pd.DataFrame]:
    """Return a frame for each dtype, for each index, and some of other shapes."""
    shapes = {
        "empty": pd.DataFrame(),
        "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64")}),
        "numbered columns": pd.DataFrame([[1, 2], [3, 4]]),
        "multi columns": pd.DataFrame(
            [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
        ),
        "part of another": pd.DataFrame({"a": range(9), "b": range(9)})[["a"]].iloc[2:5],
        "grouped": pd.DataFrame({"a": [1, 1], "b": [1.0, 2]}).groupby("a").agg(["mean", "sum"]),
        "attrs": pd.DataFrame({"a": [1]}),
        "fortran": pd.DataFrame(
            np.asfortranarray(np.arange(6.0).reshape(2, 3)), columns=list("abc")
        ),
    }
    shapes["attrs"].attrs["source"] = "sensor"
    return {
        **{f"column {name}": pd.DataFrame({"c": data}) for name, data in columns().items()},
        **{
            f"index {name}": pd.DataFrame({"v": [0, 1]}, index=ix) for name, ix in indexes().items()
        },
        **shapes,
    }
