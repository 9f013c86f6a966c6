"""Rows of history, planned and read back."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mfwb.sink.history.read_rows import Row, count_foreign_rows, missing_rows

PLANNED: list[Row] = [(0, {"a": 1, "b": "x"}), (1, {"a": 0.1}), (2, {"a": math.nan, "c": math.inf})]
WORDS: dict[str, Any] = {"a": "NaN", "c": "Infinity"}


def test_what_is_there_is_not_missing() -> None:
    """Numbers that JSON can't hold come back as text, and W&B adds its own keys."""
    existing: list[Row] = [
        (2, WORDS),
        (0, {"a": 1.0, "b": "x", "_step": 0, "_runtime": 3.5}),
        (1, {"a": 0.1}),
    ]

    assert missing_rows(PLANNED, existing) == []


@pytest.mark.parametrize(
    "row",
    [
        (1, {"a": 0.2}),
        (1, {"b": 0.1}),
        (1, {"a": "x"}),
        (1, {"a": None}),
        (3, {"a": 0.1}),
    ],
)
def test_another_row_is_not_it(row: Row) -> None:
    """The row count proves nothing: each row has to be stored with its values."""
    existing: list[Row] = [(0, {"a": 1, "b": "x"}), row, (2, WORDS)]

    assert missing_rows(PLANNED, existing) == [PLANNED[1]]


@pytest.mark.parametrize(
    ("row", "foreign"),
    [
        ((1, {"a": 0.2}), 1),
        ((1, {"a": 0.1}), 1),
        ((7, {"a": 0.1}), 1),
        ((1, {"theirs": 0.2}), 0),
        ((9, {"theirs": 0.2}), 0),
    ],
)
def test_rows_too_many(row: Row, foreign: int) -> None:
    """Other values of planned names and repeated rows count; rows of other people do not."""
    existing: list[Row] = [row, *PLANNED]

    assert missing_rows(PLANNED, existing) == []
    assert count_foreign_rows(PLANNED, existing) == foreign
