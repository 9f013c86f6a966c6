"""Columns of tables that are curves."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mfwb.conversion import table_curves as limits
from mfwb.conversion.read_table_rows import read_rows
from mfwb.conversion.table_curves import read_columns, table_curves, write_columns
from mfwb.conversion.table_rows import write_rows

LIGHTNING = """epoch,step,train_loss,val_loss
0,9,1.5,
0,19,,2.0
1,29,0.5,
1,39,,1.0
"""


def test_the_log_of_lightning() -> None:
    """A CSV with gaps, as a pandas DataFrame reads it."""
    frame = pd.read_csv(io.StringIO(LIGHTNING))

    assert table_curves(frame) == {
        "epoch": [0, 0, 1, 1],
        "step": [9, 19, 29, 39],
        "train_loss": [1.5, None, 0.5, None],
        "val_loss": [None, 2.0, None, 1.0],
    }


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_libraries(make: Any) -> None:
    """Columns of numbers are curves over the epoch in each; text and flags are not."""
    table = make({"epoch": [1, 2], "loss": [0.5, 0.25], "text": ["a", "b"], "ok": [True, False]})

    assert table_curves(table) == {"epoch": [1, 2], "loss": [0.5, 0.25]}


def test_an_index() -> None:
    """Its name says what it counts."""
    frame = pd.DataFrame({"loss": [0.5, 0.25]}, index=pd.Index([10, 20], name="iteration"))

    assert table_curves(frame) == {"iteration": [10, 20], "loss": [0.5, 0.25]}


def test_other_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data is no curve, unless the settings name it; nor is what is too long or too wide."""
    data = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    assert table_curves(data) is None
    assert table_curves(data, named=True) == {"x": [1, 2], "y": [3, 4]}
    assert table_curves(pd.DataFrame({"step": [2, 1], "y": [3, 4]})) is None  # it falls
    assert table_curves(pd.DataFrame({"step": [2], "y": [3]})) is None
    monkeypatch.setattr(limits, "COLUMNS_LIMIT", 2)
    assert table_curves(pd.DataFrame({"step": [1, 2], "y": [3, 4], "z": [1, 2]})) is None
    monkeypatch.setattr(limits, "ROWS_LIMIT", 1)
    assert table_curves(pd.DataFrame({"step": [1, 2], "y": [3, 4]})) is None


def test_files(tmp_path: Path) -> None:
    """Columns come back from a file of their own, and from that of the first rows."""
    frame = pd.DataFrame({"epoch": [1, 2], "loss": [0.5, float("inf")]})
    columns = table_curves(frame)
    write_columns(columns, tmp_path / "own")
    write_rows(frame, tmp_path / "rows", columns)

    assert read_columns(tmp_path / "own") == {"epoch": [1, 2], "loss": [0.5, None]}
    assert read_columns(tmp_path / "rows") == columns
    assert read_rows(tmp_path / "rows").columns == ("epoch", "loss")
    write_columns(None, tmp_path / "none")
    assert read_columns(tmp_path / "none") is None


@pytest.mark.parametrize(
    "curves",
    [[], {}, {"a": 1}, {"a": [1], "b": [1, 2]}, {"a": ["1"]}, {"a": [True]}, {"a": [[1]]}],
)
def test_files_of_a_compromised_process(curves: Any, tmp_path: Path) -> None:
    """Only columns of numbers are taken."""
    path = tmp_path / "made"
    path.write_text(json.dumps({"curves": curves}))

    with pytest.raises(ValueError, match="columns"):
        read_columns(path)


def test_a_file_that_is_nested_too_deeply(tmp_path: Path) -> None:
    """It costs no crash."""
    path = tmp_path / "made"
    path.write_text("[" * 200_000)

    with pytest.raises(ValueError, match="columns"):
        read_columns(path)
