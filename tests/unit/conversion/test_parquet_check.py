"""Differences between a frame and its parquet file are found."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mfwb.conversion import parquet_check
from mfwb.conversion.parquet_check import describe_alteration
from mfwb.conversion.tables import write_parquet
from tests.unit.payload.frames_of_all_kinds import frames

pytestmark = pytest.mark.filterwarnings("ignore")

FRAMES = frames()
PANDAS = int(pd.__version__.partition(".")[0])
TO_BE_TOLD = {  # pandas calls these equal, or reads text from where objects were
    "column lists": "cells of the type list",
    "column string": "",  # which library holds texts is the reader's matter
    "index objects": "",
}
DIFFERENCES: tuple[type[Exception], ...] = (AssertionError, TypeError)  # the latter: unreadable
if PANDAS < 3:
    TO_BE_TOLD["column string_arrow"] = ""  # the same: it is read back as held by Python
    DIFFERENCES = (*DIFFERENCES, ValueError)


def altered(table: Any, folder: Path) -> str:
    """Return what parquet changes of a table."""
    write_parquet(table, folder / "x.parquet")
    return describe_alteration(table, folder / "x.parquet")


def frame_of(values: Any, **facts: Any) -> pd.DataFrame:
    """Return a frame with one column."""
    frame: pd.DataFrame = pd.DataFrame({"a": values}, **facts)
    return frame


def objects(*values: Any) -> Any:
    """Return a column of Python objects."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


@pytest.mark.parametrize("kind", FRAMES)
def test_as_pandas_sees_it(kind: str, tmp_path: Path) -> None:
    """A frame is called altered just where what is read back is not the same to pandas."""
    frame = FRAMES[kind]
    result = altered(frame, tmp_path)

    try:
        pd.testing.assert_frame_equal(frame, pd.read_parquet(tmp_path / "x.parquet"))
        is_same = True
    except DIFFERENCES:
        is_same = False

    if kind in TO_BE_TOLD:
        assert TO_BE_TOLD[kind] in result
        assert bool(TO_BE_TOLD[kind]) is bool(result)
    else:
        assert (result == "") is is_same, result


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (frame_of([{"a": 1}, {"b": "x"}]), "'a' has cells of the type dict"),
        (frame_of([{"a": 1}, {"a": None}]), "'a' has cells of the type dict"),
        (frame_of([(1, 2)]), "'a' has cells of the type tuple"),
        (frame_of([{"x": [1]}]), "'a' has cells of the type dict"),
        (frame_of([{1}, {2}]), "'a' has cells of the type set"),
        (frame_of(objects(1, 2)), "'a' becomes int64"),
        (frame_of(pd.Categorical([3, 1], categories=[5, 3, 1])), "'a' has other categories"),
        (frame_of([1], index=pd.CategoricalIndex([5])), "index has other categories"),
        (frame_of([1], index=pd.Index([1], dtype="Int64")), "index becomes int64"),
        (
            pd.DataFrame([[1, 2]], columns=[1, "a"]),
            "column names become" if PANDAS >= 3 else "column names differ",  # objects still
        ),
    ],
)
def test_altered(frame: pd.DataFrame, what: str, tmp_path: Path) -> None:
    """What is read back as something else is named."""
    assert what in altered(frame, tmp_path)


@pytest.mark.parametrize(
    "frame",
    [
        frame_of([{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}}]),
        frame_of(objects("x", np.nan)),
        frame_of(objects(*(True, None))),
        frame_of(objects(None, None)),
        frame_of([Decimal("1.5"), Decimal(2)]),
        frame_of([np.array([1.0, np.nan]), np.array([])]),
        frame_of(pd.Categorical(["b"], categories=["z", "b"]), index=pd.Index([7], name="k")),
        pd.DataFrame([[1]], columns=pd.Index(["a"], name="level")),
    ],
)
def test_the_same(frame: pd.DataFrame, tmp_path: Path) -> None:
    """What is read back as it was needs no pickle beside it; what is missing stays missing."""
    assert altered(frame, tmp_path) == ""


def test_attrs(tmp_path: Path) -> None:
    """A frame's attrs are JSON in parquet; a tuple is a list then."""
    frame = frame_of([1])
    frame.attrs = {"shape": (1, 2)}

    assert altered(frame, tmp_path) == "its attrs differ"


def test_flags(tmp_path: Path) -> None:
    """Parquet has no place for the flag that forbids labels to be there twice."""
    frame = frame_of([1]).set_flags(allows_duplicate_labels=False)

    assert altered(frame, tmp_path) == "its labels may occur twice"


def test_so_many_cells_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more cells than are compared nobody can tell, and the pickle goes along."""
    monkeypatch.setattr(parquet_check, "CELLS_LIMIT", 10)

    assert altered(frame_of([{"x": 1}] * 20), tmp_path) == (
        "column 'a' has more cells than are compared"
    )


def test_tables_of_arrow(tmp_path: Path) -> None:
    """Arrow's own types come back, but for those that parquet has no room for."""
    assert altered(pa.table({"a": ["x"], "b": [[1]]}), tmp_path) == ""
    seconds = pa.table({"t": pa.array([1], pa.time32("s"))})
    assert altered(seconds, tmp_path) == "column 't' becomes time32[ms]"
