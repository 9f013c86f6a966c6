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

    assert missing_rows(PLANNED, existing, {}) == []


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

    assert missing_rows(PLANNED, existing, {}) == [PLANNED[1]]


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

    assert missing_rows(PLANNED, existing, {}) == []
    assert count_foreign_rows(PLANNED, existing, {}) == foreign


AXES = {"loss": "epoch", "other": "other/index"}
CURVES: list[Row] = [
    (0, {"accuracy": 0.5, "loss": 2.0, "epoch": 1, "other": 3.0, "other/index": 0}),
    (1, {"loss": 1.0, "epoch": 2}),
]


def test_charts_that_an_earlier_version_did_not_write() -> None:
    """Only they are missing, each with its position; the rows of before are nobody's error."""
    existing: list[Row] = [(0, {"accuracy": 0.5, "curves/loss": 2.0}), (1, {"curves/loss": 1.0})]
    missing = missing_rows(CURVES, existing, AXES)

    assert missing == [
        (0, {name: value for name, value in CURVES[0][1].items() if name != "accuracy"}),
        CURVES[1],
    ]
    assert missing_rows(CURVES, [*existing, *missing], AXES) == []
    assert count_foreign_rows(CURVES, [*existing, *missing], AXES) == 0


def test_a_point_needs_its_position() -> None:
    """Without it, the point is missing; a position alone may be repeated, a point may not."""
    existing: list[Row] = [CURVES[0], (1, {"loss": 1.0})]
    assert missing_rows(CURVES, existing, AXES) == [CURVES[1]]

    positions: list[Row] = [*CURVES, (0, {"other": 3.0, "other/index": 0})]
    assert count_foreign_rows(CURVES, positions, AXES) == 1


def test_panels_are_known_by_their_files() -> None:
    """Their names contain the digests; W&B may add fields."""
    planned: list[Row] = [(0, {"plot": {"_type": "image-file", "path": "media/a.png", "size": 3}})]
    added = {"_type": "image-file", "path": "media/a.png", "size": 3, "_added": 1}
    other = {"_type": "image-file", "path": "media/b.png", "size": 3}

    assert missing_rows(planned, [(0, {"plot": added})], {}) == []
    assert missing_rows(planned, [(0, {"plot": other})], {}) == planned
    assert missing_rows(planned, [(0, {"plot": 3})], {}) == planned
