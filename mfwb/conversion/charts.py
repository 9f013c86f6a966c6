"""numpy arrays -> charts: a histogram of a series of numbers, a heat map of a small matrix."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from mfwb.conversion.read_json import read_json

__all__ = ["HISTOGRAM", "chart_of", "read_chart", "write_chart"]

HISTOGRAM = "histogram"
"""W&B's type of a histogram in the summary; `wandb.Histogram` writes the same."""

BINS = 64
"""As `wandb.Histogram` has."""

_FEWEST = 10  # numbers; fewer are read more easily than their histogram
_MAX_SIDE = 50  # rows or columns of a heat map
_MAX_WITH_NUMBERS = 12  # rows or columns of a heat map whose cells have their numbers
_MAX_WITH_LABELS = 20  # rows or columns that all have their labels
_SIZE_LIMIT = 1_000_000  # bytes of a chart, which has at most 2,500 cells
_PLANE = 2  # dimensions
_DIGITS = ".3~g"
_BLUES = [[0, "#f7fbff"], [0.25, "#c6dbef"], [0.5, "#6baed6"], [0.75, "#2171b5"], [1, "#08306b"]]
"""Of ColorBrewer: plotly's own scale of that name begins with gray."""


def chart_of(array: Any) -> dict[str, Any] | None:
    """Return the chart of an array, as W&B has it; None if it has no chart."""
    if array.dtype.kind not in "iuf":
        return None
    if array.ndim == 1:
        return _histogram(array)
    is_small = array.ndim == _PLANE and all(2 <= length <= _MAX_SIDE for length in array.shape)  # noqa: PLR2004
    return _heat_map(array) if is_small else None


def write_chart(array: Any, path: Path) -> None:
    """Write the chart of an array as JSON; null if it has none."""
    path.write_text(json.dumps(chart_of(array), allow_nan=False), encoding="ascii")


def read_chart(path: Path) -> dict[str, Any] | None:
    """Return a chart that `write_chart` wrote; ValueError if the file is something else."""
    chart = read_json(path, "numbers", limit=_SIZE_LIMIT, too_large="it is larger than a chart")
    if chart is not None and not isinstance(chart, dict):
        raise ValueError("it is no chart")
    if chart is not None and chart.get("_type") == HISTOGRAM:
        return {"_type": HISTOGRAM, "values": _numbers(chart, 1), "bins": _numbers(chart, 2)}
    return chart


def _numbers(chart: dict[str, Any], part: int) -> list[float]:
    numbers = chart.get("values" if part == 1 else "bins")
    if not isinstance(numbers, list) or len(numbers) > BINS + 1:
        raise ValueError("it is no histogram")
    if not all(type(number) in {int, float} for number in numbers):
        raise ValueError("it is no histogram")
    return numbers


def _histogram(array: Any) -> dict[str, Any] | None:
    import numpy as np  # noqa: PLC0415

    numbers = array[np.isfinite(array)].astype(np.float64)
    if len(numbers) < _FEWEST:
        return None
    if not math.isfinite(float(numbers.max()) - float(numbers.min())):
        return None  # bins need a range that is a float, too
    try:
        values, bins = np.histogram(numbers, bins=BINS)
    except ValueError:
        return None  # floats are too few to divide the range, as between 1e308 and itself
    return {"_type": HISTOGRAM, "values": values.tolist(), "bins": bins.tolist()}


def _heat_map(array: Any) -> dict[str, Any]:
    """Return a figure as plotly draws it, first row on top, as a matrix is written."""
    import numpy as np  # noqa: PLC0415

    as_floats = array.astype(np.float64)
    cells = [
        [cell if is_finite else None for cell, is_finite in zip(row, finite, strict=True)]
        for row, finite in zip(as_floats.tolist(), np.isfinite(as_floats).tolist(), strict=True)
    ]
    side = max(array.shape)
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": cells,
        "colorscale": _BLUES,
    }
    if side <= _MAX_WITH_NUMBERS:
        trace["texttemplate"] = "%{z:d}" if array.dtype.kind in "iu" else f"%{{z:{_DIGITS}}}"
    axis: dict[str, Any] = {"dtick": 1 if side <= _MAX_WITH_LABELS else 5}
    layout = {
        "xaxis": {**axis, "title": {"text": "column"}},
        "yaxis": {**axis, "title": {"text": "row"}, "autorange": "reversed"},
        "margin": {"t": 30, "l": 60, "r": 20, "b": 50},
    }
    return {"data": [trace], "layout": layout}
