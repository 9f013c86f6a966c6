"""Pickled plotly figures -> the JSON that W&B draws, without plotly."""

from __future__ import annotations

import base64
import json
import math
import pickle
from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.conversion.json_safe import to_json
from mfwb.pickles.allowlist import ARRAYS

__all__ = ["load_figure", "write_figure"]

SIZE_LIMIT = 10_000_000
"""Characters of JSON; W&B's page does not draw a larger figure."""

_FIGURES = ("plotly.graph_objs._figure.Figure", "plotly.graph_objs._figurewidget.FigureWidget")
_TYPES = frozenset({"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"})


class _PickledFigure:
    """Stand-in for a pickled figure: a dict with its data and its layout."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts


_ALLOWED: pickles.Allowed = {**ARRAYS, **dict.fromkeys(_FIGURES, lambda: _PickledFigure)}


def load_figure(data: bytes) -> dict[str, Any]:
    """Return `data` and `layout` of a pickled figure; any error for another value."""
    value = pickles.loads(data, _ALLOWED)
    parts = value.parts if isinstance(value, _PickledFigure) else None
    if not isinstance(parts, dict):
        raise pickle.UnpicklingError("it is not a plotly figure")
    return {"data": parts.get("data") or [], "layout": parts.get("layout") or {}}


def write_figure(figure: dict[str, Any], path: Path) -> None:
    """Write a figure as JSON with arrays as lists; ItemLost, ValueError if it has no JSON form."""
    text = json.dumps(_drawable(to_json(_without_arrays(figure), as_numbers=True)), allow_nan=False)
    if len(text) > SIZE_LIMIT:
        raise ValueError("the figure is too large to be shown")
    path.write_text(text, encoding="ascii")


def _without_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() >= {"dtype", "bdata"}:
            return _numbers(value)
        return {key: _without_arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _numbers(packed: dict[str, Any]) -> Any:
    """Return the numbers that plotly 6 and later packs into text, which W&B may not decode."""
    import numpy as np  # noqa: PLC0415

    if packed["dtype"] not in _TYPES:
        raise ValueError(f"numbers of the type {packed['dtype']!r}")
    array = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}")
    shape = str(packed.get("shape", len(array)))
    return array.reshape([int(length) for length in shape.split(",")]).tolist()


def _drawable(value: Any) -> Any:
    """Return JSON types in which NaN and infinities are None, a gap, as plotly writes them."""
    if isinstance(value, dict):
        return {key: _drawable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_drawable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
