"""Files of plain arrays are those that numpy writes, and no process is started for them."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mfwb.conversion.charts import FEW, chart_of
from mfwb.conversion.convert import Conversion, Job, convert
from mfwb.conversion.plain_npy import convert_plain_array


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10.0),
        np.zeros((3, 4), "i2"),
        np.array([[[True]]]),
        np.arange(1_000_000, dtype="u1"),
        np.zeros((10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "f4"),
    ],
    ids=lambda array: str(array.shape),
)
def test_file_is_that_of_numpy(tmp_path: Path, array: Any) -> None:
    """Byte by byte, so the artifact has the same digest whichever way it was made."""
    assert convert_plain_array(pickle.dumps(array, 4), tmp_path / "npy", None)

    by_numpy = io.BytesIO()
    np.save(by_numpy, array)
    assert (tmp_path / "npy").read_bytes() == by_numpy.getvalue()


@pytest.mark.parametrize("array", [np.arange(100), np.zeros((3, 4)), np.arange(3), np.eye(60)])
def test_chart_beside(tmp_path: Path, array: Any) -> None:
    """It is that of the process for conversions, or there is none either."""
    source = tmp_path / "pickle"
    source.write_bytes(pickle.dumps(array, 4))

    is_done = convert_plain_array(source.read_bytes(), tmp_path / "npy", tmp_path / "chart")
    convert(Job(Conversion.ARRAY, source, tmp_path / "its npy", tmp_path / "its chart"))

    assert is_done is (array.size <= FEW)
    if is_done:
        assert (tmp_path / "npy").read_bytes() == (tmp_path / "its npy").read_bytes()
        assert (tmp_path / "chart").read_bytes() == (tmp_path / "its chart").read_bytes()


@pytest.mark.parametrize("value", [np.array([None]), np.float64(1), [1], np.array(1.0)], ids=repr)
def test_left_to_the_process(tmp_path: Path, value: Any) -> None:
    """What is no plain array leaves no file."""
    assert not convert_plain_array(pickle.dumps(value, 4), tmp_path / "npy", tmp_path / "chart")
    assert not [*tmp_path.iterdir()]


_NUMBERS = st.floats(width=64) | st.floats(-1, 1) | st.sampled_from([0.1, 0.25, 1e-320, 5e-324])


@given(
    st.lists(_NUMBERS, max_size=80).map(np.array)
    | arrays.arrays(np.int64, st.integers(1, 60))
    | arrays.arrays(np.float32, st.integers(1, 60))
)
def test_few_numbers_are_counted_as_numpy_does(array: Any) -> None:
    """The same bins, and the same counts, to the last bit."""
    few = chart_of(array)
    many = chart_of(np.concatenate([array, np.full(FEW, np.nan)]).astype(np.float64))

    assert few == many  # of 0 and -0, either can be the largest
