"""numpy arrays -> charts: a histogram of a series of numbers, a heat map of a small matrix."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import Any

from mfwb.conversion.read_json import read_json

__all__ = ["FEW", "HISTOGRAM", "chart_of", "read_chart", "write_chart"]

HISTOGRAM = "histogram"
"""W&B's type of a histogram in the summary; `wandb.Histogram` writes the same."""

BINS = 64
"""As `wandb.Histogram` has."""

_FEWEST = 10  # numbers; fewer are read more easily than their histogram
_MAX_SIDE = 50  # rows or columns of a heat map
_MAX_WITH_NUMBERS = 12  # rows or columns of a heat map whose cells have their numbers
_MAX_WITH_LABELS = 20  # rows or columns that all have their labels
FEW = 1_000
"""Numbers that are counted without numpy: to import it takes longer."""

_FLOAT_SIZE = 8
"""Bytes of a float of Python's; a larger number may be out of its range."""

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
    is_small = array.size <= FEW and array.dtype.itemsize <= _FLOAT_SIZE
    counted = _count_few(array) if is_small else _count_many(array)
    if counted is None:
        return None
    values, bins = counted
    # Which of 0 and -0 is the largest number depends on the processor.
    return {"_type": HISTOGRAM, "values": values, "bins": [edge + 0.0 for edge in bins]}


def _count_few(array: Any) -> tuple[list[int], list[float]] | None:
    """Return what `numpy.histogram` does, without numpy: how many numbers there are in which bins.

    None if there can't be bins. If they are as narrow as floats can be, of some 1e-323, numpy may
    be a bin off.
    """
    numbers = [float(number) for number in array.tolist() if math.isfinite(number)]
    if len(numbers) < _FEWEST:
        return None
    first, last = min(numbers), max(numbers)
    if not math.isfinite(last - first):
        return None  # bins need a range that is a float, too
    if first == last:
        first, last = first - 0.5, last + 0.5
    step = (last - first) / BINS
    if step:
        bins = [number * step + first for number in range(BINS)]
    else:  # it is too small for a float
        bins = [number / BINS * (last - first) + first for number in range(BINS)]
    bins.append(last)
    if any(lower >= upper for lower, upper in pairwise(bins)):
        return None  # floats are too few to divide the range, as between 1e308 and itself
    counts = [0] * BINS
    for number in numbers:
        counts[min(bisect_right(bins, number), BINS) - 1] += 1
    return counts, bins


def _count_many(array: Any) -> tuple[list[int], list[float]] | None:
    """Return the same, which numpy does sooner for many numbers."""
    import numpy as np  # noqa: PLC0415

    with np.errstate(over="ignore"):  # a longdouble may be beyond floats, and becomes infinite
        numbers = array[np.isfinite(array)].astype(np.float64)
    if len(numbers) < _FEWEST or not math.isfinite(float(numbers.max()) - float(numbers.min())):
        return None
    try:
        values, bins = np.histogram(numbers, bins=BINS)
    except ValueError:
        return None
    return values.tolist(), bins.tolist()


def _heat_map(array: Any) -> dict[str, Any]:
    """Return a figure as plotly draws it, first row on top, as a matrix is written."""
    cells = [
        [float(number) if math.isfinite(number) else None for number in row]
        for row in array.tolist()
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
