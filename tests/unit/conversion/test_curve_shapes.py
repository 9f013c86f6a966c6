"""Which values are curves, and what their x axis is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mfwb.conversion.curve_shapes import choose_axis, find_columns

KERAS = {"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]}
XGBOOST = {"train": {"rmse": [3.0, 2.0]}, "valid": {"rmse": [3.5, 2.5], "mae": [1.0, 0.5]}}
ROWS = [{"epoch": 1, "train/f1": 0.1}, {"epoch": 2, "train/f1": 0.2, "lr": 0.01}]


def test_shapes() -> None:
    """A list, Keras' history, xgboost's evals_result, and rows with missing keys."""
    assert find_columns([1, 2.5]) == {"": [1, 2.5]}
    assert find_columns(KERAS) == KERAS
    assert find_columns(XGBOOST) == {
        "train/rmse": [3.0, 2.0],
        "valid/rmse": [3.5, 2.5],
        "valid/mae": [1.0, 0.5],
    }
    assert find_columns(ROWS) == {"epoch": [1, 2], "train/f1": [0.1, 0.2], "lr": [None, 0.01]}


def test_groups_of_other_lengths() -> None:
    """A shorter group ends earlier."""
    assert find_columns({"a": {"x": [1, 2, 3]}, "b": {"x": [1, 2]}}) == {
        "a/x": [1, 2, 3],
        "b/x": [1, 2, None],
    }


@pytest.mark.parametrize(
    "value",
    [
        [1],
        [],
        [1, True],
        [1, "2"],
        [[1, 2], [3, 4]],
        {},
        {"loss": 0.5},
        {"loss": [1, 2], "lr": 0.1},
        {"loss": [1, 2], "val": [1, 2, 3]},
        {"loss": [1, None]},
        {1: [1, 2]},
        {"a": {"b": {"c": [1, 2]}}},
        [{"a": 1}, {}],
        [{"a": 1}, {"a": "text"}],
        [{"a": 1}, 2],
        "text",
        {f"c{number}": [1, 2] for number in range(101)},
    ],
)
def test_other_values(value: Any) -> None:
    """One number is no curve, nor are numbers beside something else."""
    assert find_columns(value) is None


def test_the_axis_counts_finest() -> None:
    """Lightning has an epoch and a step; a column that falls, or has gaps, is no axis."""
    assert choose_axis({"epoch": [0, 0, 1], "step": [9, 19, 29], "loss": [3, 2, 1]}) == "step"
    assert choose_axis({"global_step": [1, 2], "epoch": [1, 2], "loss": [2, 1]}) == "epoch"
    assert choose_axis({"epoch": [2, 1], "loss": [2, 1]}) is None
    assert choose_axis({"epoch": [1, None], "loss": [2, 1]}) is None
    assert choose_axis({"epoch": [1, math.nan], "loss": [2, 1]}) is None
    assert choose_axis({"epoch": [1, 2]}) is None
