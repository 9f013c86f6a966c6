"""All that data libraries pickle is loaded unchanged."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mfwb import pickles
from mfwb.pickles.allowlist import ARRAYS, FRAME_MAKERS, FRAMES
from mfwb.pickles.standins import polars
from tests.unit.payload.frames_of_all_kinds import columns, indexes

SERIES = {name: pd.Series(data, name="s") for name, data in columns().items()}
TYPES = [
    *(pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.string(), pa.large_binary()),
    *(pa.binary(4), pa.date64(), pa.time32("s"), pa.timestamp("ns", "Europe/Berlin")),
    *(pa.duration("s"), pa.month_day_nano_interval(), pa.decimal128(5, 2), pa.string_view()),
    *(pa.list_(pa.int64()), pa.list_(pa.int64(), 2), pa.struct([("x", pa.int64())])),
    *(pa.map_(pa.string(), pa.int64()), pa.dictionary(pa.int32(), pa.string())),
]
DTYPES: list[Any] = [
    *("?", "i1", "<u8", "f2", "g", "c16", "S5", "U5", "V5", "M8[s]", "M8[25s]", "m8[D]"),
    [("a", "i4"), ("b", "S3")],
    [("a", "M8[s]"), ("b", "f8", (2,))],
    np.dtype([("a", "i1"), ("b", "f8")], align=True),
]


def loaded(value: object, protocol: int) -> Any:
    """Return a value after it was pickled and loaded."""
    return pickles.loads(pickle.dumps(value, protocol=protocol), FRAMES, makers=FRAME_MAKERS)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", SERIES)
def test_series(name: str, protocol: int) -> None:
    """A Series of every dtype."""
    pd.testing.assert_series_equal(loaded(SERIES[name], protocol), SERIES[name])


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", indexes())
def test_indexes(name: str, protocol: int) -> None:
    """An Index of every kind."""
    pd.testing.assert_index_equal(loaded(indexes()[name], protocol), indexes()[name])


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_arrow(kind: Any, protocol: int) -> None:
    """What arrow makes of every type."""
    array = pa.nulls(3, kind)
    for value in (
        array,
        array.slice(1),
        pa.chunked_array([array, array]),
        pa.record_batch([array], names=["a"]),
        pa.table({"a": array}).replace_schema_metadata({"made": "here"}),
    ):
        again = loaded(value, protocol)

        assert again.equals(value)
        assert type(again) is type(value)


@pytest.mark.parametrize("kind", ["frame", "series"])
def test_polars(kind: str) -> None:
    """What polars pickled comes out as what stands in for it."""
    data = (Path(__file__).parents[2] / "data" / "pickles" / f"polars_2_1_{kind}.pkl").read_bytes()

    result = pickles.loads(data, FRAMES, makers=FRAME_MAKERS)

    assert isinstance(result, {"frame": polars.Frame, "series": polars.Series}[kind])
    assert isinstance(result.table, pa.Table)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_arrays(dtype: Any, protocol: int) -> None:
    """Arrays and scalars of every plain dtype, those with fields too."""
    for value in (np.ones((2, 3), dtype), np.zeros(0, dtype), np.zeros(2, dtype)[0]):
        again = pickles.loads(pickle.dumps(value, protocol=protocol), ARRAYS)

        assert type(again) is type(value)
        assert (again.dtype, again.tobytes()) == (value.dtype, value.tobytes())
