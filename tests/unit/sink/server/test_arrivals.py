"""What proves that a W&B run has arrived."""

from __future__ import annotations

import pytest

from mfwb.sink.history.read_rows import History, Row
from mfwb.sink.server.arrivals import compare_rows

ROWS: list[Row] = [(0, {"loss": 0.5, "epoch": 1}), (1, {"loss": 0.25, "epoch": 2})]
AXES = {"loss": "epoch"}


def test_all_of_it() -> None:
    """Axes that other people defined are theirs."""
    stored = History(tuple(ROWS), 2, 1, {**AXES, "theirs": "epoch"})

    assert compare_rows("train", ROWS, stored, AXES) == ("", ())


@pytest.mark.parametrize("axes", [{}, {"loss": "_step"}, {"theirs": "epoch"}])
def test_a_chart_without_its_x_axis(axes: dict[str, str]) -> None:
    """W&B would draw it over its own steps; all rows are there."""
    stored = History(tuple(ROWS), 2, 1, axes)

    missing, losses = compare_rows("train", ROWS, stored, AXES)

    assert (missing, losses) == ("1 of 1 x axes of its charts are missing", ())


def test_missing_rows() -> None:
    """The axes alone prove nothing."""
    missing, _ = compare_rows("train", ROWS, History(tuple(ROWS[:1]), 1, 0, AXES), AXES)

    assert missing == "1 of 2 rows of its history have arrived"
