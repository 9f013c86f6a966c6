"""Columns of numbers in values, and the one over which the others are drawn."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.verification.expected.curve_columns import find_axis, keeps_value, read_columns


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        ([1.5, 2], {"": [1.5, 2]}),
        ({"loss": [3, 2], "val_loss": [4, 3]}, {"loss": [3, 2], "val_loss": [4, 3]}),
        (
            {"train": {"loss": [3, 2]}, "eval": {"loss": [1, 2, 3]}},
            {"train/loss": [3, 2, None], "eval/loss": [1, 2, 3]},
        ),
        ([{"epoch": 0, "loss": 3}, {"epoch": 1}], {"epoch": [0, 1], "loss": [3, None]}),
    ],
)
def test_curves(value: Any, columns: dict[str, Any]) -> None:
    """A list, a dict of lists, a dict of such dicts, a list of dicts."""
    assert read_columns(value) == columns


@pytest.mark.parametrize(
    "value",
    [
        [1],  # a single point is no curve
        [1, "2"],
        [True, False],
        {"loss": [3, 2], "val_loss": [4]},  # of different lengths
        {"loss": [3, 2], "name": "a"},
        {"": [3, 2]},
        {},
        [{"loss": 3}, {"loss": "high"}],
        {f"c{number}": [1, 2] for number in range(101)},
        3,
        None,
    ],
)
def test_no_curves(value: Any) -> None:
    """Too short, of other things than numbers, or too many."""
    assert read_columns(value) is None


@pytest.mark.parametrize(
    ("columns", "axis"),
    [
        ({"epoch": [0, 1], "loss": [3, 2]}, "epoch"),
        ({"loss": [3, 2]}, None),
        ({"epoch": [0, 1]}, None),  # nothing would be left to draw
        ({"epoch": [1, 0], "loss": [3, 2]}, None),  # it goes back
        ({"epoch": [0, None], "loss": [3, 2]}, None),
        ({"epoch": [0, float("inf")], "loss": [3, 2]}, None),
        ({"epoch": [0, 0], "step": [0, 1], "loss": [3, 2]}, "step"),  # it has more positions
        ({"step": [0, 1], "epoch": [0, 1], "loss": [3, 2]}, "epoch"),  # the first of equal ones
    ],
)
def test_the_axis(columns: dict[str, Any], axis: str | None) -> None:
    """The column of a known name that never goes back and has the most positions."""
    assert find_axis(columns) == axis


@pytest.mark.parametrize(
    ("columns", "keeps"),
    [
        ({"": [64, 32, 16]}, True),  # sizes of layers, say
        ({"": [64, 32.5]}, False),
        ({"": [*range(21)]}, False),
        ({"loss": [64, 32]}, False),
        ({"loss": [2**53 + 1, 0.5]}, True),  # a chart would round it
    ],
)
def test_whether_the_summary_keeps_the_value(columns: dict[str, Any], keeps: bool) -> None:  # noqa: FBT001 - a case
    """A short list of whole numbers is a setting, and history can't hold great integers."""
    assert keeps_value(columns) is keeps
