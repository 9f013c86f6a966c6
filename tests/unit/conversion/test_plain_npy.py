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
from mfwb.conversion.plain_npy import LARGEST, convert_plain_array


def _job(folder: Path, value: Any, *, with_chart: bool = False) -> Job:
    source = folder / "pickle"
    source.write_bytes(pickle.dumps(value, 4))
    return Job(Conversion.ARRAY, source, folder / "npy", folder / "chart" if with_chart else None)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10.0),
        np.zeros((3, 4), "i2"),
        np.array([[[True]]]),
        np.arange(1_000_000, dtype="u1"),
        np.zeros((10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "f4"),
    ],
)
def test_file_is_that_of_numpy(tmp_path: Path, array: Any) -> None:
    """Byte by byte, so the artifact has the same digest whichever way it was made."""
    job = _job(tmp_path, array)

    assert convert_plain_array(job)

    by_numpy = io.BytesIO()
    np.save(by_numpy, array)
    assert job.target.read_bytes() == by_numpy.getvalue()


@pytest.mark.parametrize("array", [np.arange(100), np.zeros((3, 4)), np.arange(3), np.eye(60)])
def test_chart_beside(tmp_path: Path, array: Any) -> None:
    """It is that of the process for conversions, or there is none either."""
    here, there = (tmp_path / name for name in ("here", "there"))
    here.mkdir()
    there.mkdir()
    job, other = (_job(folder, array, with_chart=True) for folder in (here, there))

    is_done = convert_plain_array(job)
    convert(other)

    assert is_done is (array.size <= FEW)
    if is_done:
        assert (here / "chart").read_bytes() == (there / "chart").read_bytes()
        assert (here / "npy").read_bytes() == (there / "npy").read_bytes()


@pytest.mark.parametrize("value", [np.array([None]), np.float64(1), [1], np.array(1.0)], ids=repr)
def test_left_to_the_process(tmp_path: Path, value: Any) -> None:
    """What is no plain array leaves no file."""
    job = _job(tmp_path, value)

    assert not convert_plain_array(job)
    assert not job.target.exists()


def test_a_large_array_is_left_to_the_process(tmp_path: Path) -> None:
    """This process has a bound for its memory."""
    assert not convert_plain_array(_job(tmp_path, np.zeros(LARGEST, "u1")))


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
