"""Values of tasks -> the history (charts) of their W&B run. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from mfwb.payload.values import Number, Values
from mfwb.planning import PlannedRun, TaskRow
from mfwb.planning.names import free_name
from mfwb.units.whole_numbers import EXACT

__all__ = ["build_history"]

LABELLED_CURVES_LIMIT = 50
"""Tasks; curves of more can't be told apart in one chart."""

_TAKEN = frozenset({"index", "seconds"})

Row = dict[str, float | int | str]


def build_history(run: PlannedRun, values: Values) -> tuple[tuple[int, Row], ...]:
    """Return the history rows of a W&B run; tasks and points of curves share the steps.

    With a single task, each number becomes a point at step 0: W&B draws panels only for history.
    """
    rows: defaultdict[int, Row] = defaultdict(dict)
    if run.merged:
        names = _chart_names(_numeric(values))
        for task in run.tasks:
            rows[task.row].update(_task_row(task, values, names))
    for name, series in _curves(run, values):
        for step, point in enumerate(series):
            if (drawn := _to_history_number(point)) is not None:
                rows[step][f"curves/{name}"] = drawn
    for key, point in _points(run, values):
        rows[0][free_name(key, rows[0].keys())] = point
    return tuple(sorted(rows.items()))


def _numeric(values: Values) -> list[str]:
    return [
        key
        for key, of_tasks in values.items()
        if all(value.number is not None for value in of_tasks.values())
    ]


def _chart_names(keys: list[str]) -> dict[str, str]:
    """Return the chart name of each key; all are distinct, as the columns of the table are."""
    names: dict[str, str] = {}
    for key in keys:
        names[key] = free_name(key, {*_TAKEN, *names.values()})
    return names


def _task_row(task: TaskRow, values: Values, names: dict[str, str]) -> Row:
    row: Row = {"tasks/index": task.row}
    if task.seconds is not None:
        row["tasks/seconds"] = task.seconds
    for key, name in names.items():
        value = values[key].get(task.pathspec)
        number = None if value is None or value.number is None else _to_history_number(value.number)
        if number is not None:
            row[f"tasks/{name}"] = number
    return row


def _curves(run: PlannedRun, values: Values) -> Iterator[tuple[str, list[Any]]]:
    if run.merged and len(run.tasks) > LABELLED_CURVES_LIMIT:
        return
    for key, of_tasks in values.items():
        for task in run.tasks:
            value = of_tasks.get(task.pathspec)
            if value is not None and value.is_series:
                yield (f"{key}/{task.label}" if run.merged else key), value.json


def _points(run: PlannedRun, values: Values) -> Iterator[tuple[str, Number]]:
    """Yield the numbers of the only task, under their keys in the summary.

    W&B uses the last point of a chart as the summary's value. So a number that a point can't
    represent exactly is only in the summary: NaN, an infinity, or an integer that no float equals.
    """
    if run.merged:
        return
    for key, of_tasks in values.items():
        for value in of_tasks.values():
            number = value.number
            if number is not None and abs(number) < math.inf and _is_exact(number):
                yield key, number


def _is_exact(number: Number) -> bool:
    """Whether a float in the history equals the number."""
    return isinstance(number, float) or abs(number) <= EXACT


def _to_history_number(number: Number) -> Number | None:
    """Return a number as W&B's history stores it, a float; None if no float is near it."""
    if _is_exact(number):
        return number
    try:
        return float(number)
    except OverflowError:
        return None
