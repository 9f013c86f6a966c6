"""Arrays -> histograms and heat maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as plotly
import pytest
import wandb

from mfwb.conversion.charts import chart_of, read_chart, write_chart


def test_histogram_is_that_of_the_sdk(tmp_path: Path) -> None:
    """`wandb.Histogram` writes the same for the same numbers."""
    numbers = np.random.default_rng(7).normal(size=1_000)

    write_chart(numbers, tmp_path / "x")

    of_wandb = json.loads(json.dumps(wandb.Histogram(numbers.tolist()).to_json()))
    assert read_chart(tmp_path / "x") == of_wandb


def test_numbers_that_are_none() -> None:
    """NaN and infinities are left out."""
    chart = chart_of(np.array([np.nan, np.inf, *range(10)]))

    assert chart is not None
    assert sum(chart["values"]) == 10
    assert (chart["bins"][0], chart["bins"][-1]) == (0, 9)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(9),
        np.array([True] * 20),
        np.array(["a"] * 20),
        np.full(20, np.nan),
        np.array([-1.7e308, 1.7e308] * 10),
        np.zeros((51, 2)),
        np.zeros((1, 20)),
        np.zeros((3, 3, 3)),
        np.zeros((3, 3), complex),
        np.array(5),
    ],
)
def test_none(array: Any, tmp_path: Path) -> None:
    """Few numbers, no numbers, and large matrices have no chart, and the file says so."""
    write_chart(array, tmp_path / "x")

    assert read_chart(tmp_path / "x") is None


def test_heat_map() -> None:
    """A confusion matrix: its numbers in its cells, the first row on top; plotly takes it."""
    chart = chart_of(np.array([[50, 2], [np.nan, 40]]))

    assert chart is not None
    figure = plotly.Figure(chart)
    assert figure.data[0].type == "heatmap"
    assert chart["data"][0]["z"] == [[50, 2], [None, 40]]
    assert chart["data"][0]["texttemplate"]
    assert chart["layout"]["yaxis"]["autorange"] == "reversed"


@pytest.mark.parametrize("array", [[-1.0] * 9 + [0.0, -0.0], [-1.0] * 9 + [-0.0, 0.0]])
@pytest.mark.parametrize("times", [1, 200])
def test_zero_has_no_sign(array: list[float], times: int) -> None:
    """Whichever of both comes first, few numbers or many, the chart is the same."""
    chart = chart_of(np.array(array * times))

    assert chart is not None
    assert repr(chart["bins"][-1]) == "0.0"


@pytest.mark.parametrize("times", [1, 200])
def test_numbers_beyond_floats(times: int) -> None:
    """Bins need a range that is a float, too, be they few numbers or many."""
    beyond = np.longdouble(2) ** 2_000
    assert chart_of(np.append(np.arange(20 * times).astype(np.longdouble), beyond)) is None


@pytest.mark.parametrize("number", [1e308, 2.0**60])
def test_numbers_without_bins(number: float) -> None:
    """Floats can't divide the range around a single large number: there is no histogram."""
    assert chart_of(np.full(40, number)) is None


def test_large_heat_map() -> None:
    """Numbers would not fit into many cells."""
    chart = chart_of(np.zeros((50, 3)))

    assert chart is not None
    assert "texttemplate" not in chart["data"][0]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        '{"_type": "histogram"}',
        '{"_type": "histogram", "values": ["x"], "bins": [1]}',
        '{"_type": "histogram", "values": [1], "bins": [true]}',
        json.dumps({"_type": "histogram", "values": [1] * 100, "bins": [1]}),
        '"' + "x" * 1_000_001 + '"',
    ],
)
def test_lies(text: str, tmp_path: Path) -> None:
    """What no honest process writes is refused."""
    (tmp_path / "x").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"no chart|no histogram|larger"):
        read_chart(tmp_path / "x")
