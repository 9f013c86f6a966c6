"""Values of tasks -> the history (charts) of their W&B run. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from mfwb.conversion.curve_shapes import is_exact
from mfwb.free_names import free_name
from mfwb.payload.curves import NO_CURVES, Curves, to_history_number
from mfwb.payload.values import Number, Values
from mfwb.planning import PlannedRun, TaskRow
from mfwb.ports import ChartAxis

__all__ = ["build_axes", "build_history"]

_TAKEN = frozenset({"index", "seconds"})
_TASK_AXIS = "tasks/index"

Row = dict[str, float | int | str]


def build_history(
    run: PlannedRun, values: Values, curves: Curves = NO_CURVES
) -> tuple[tuple[int, Row], ...]:
    """Return the history rows of a W&B run; tasks and points of curves share the steps.

    With a single task, each number becomes a point at step 0: W&B draws panels only for history.
    """
    rows: defaultdict[int, Row] = defaultdict(dict)
    if run.merged:
        names = _chart_names(_numeric(values))
        for task in run.tasks:
            rows[task.row].update(_task_row(task, values, names))
    for chart in curves.charts:
        for step, position, number in chart.points:
            rows[step][chart.axis] = position
            rows[step][chart.name] = number
    for key, point in _points(run, values):
        rows[0][free_name(key, rows[0].keys())] = point
    return tuple(sorted(rows.items()))


def build_axes(
    history: tuple[tuple[int, Row], ...], curves: Curves = NO_CURVES
) -> tuple[ChartAxis, ...]:
    """Return the x axis of each chart; a number at step 0 has none."""
    tasks = dict.fromkeys(name for _, row in history for name in row if name.startswith("tasks/"))
    return (
        *(ChartAxis(name, _TASK_AXIS) for name in tasks if name != _TASK_AXIS),
        *(
            ChartAxis(chart.name, chart.axis, keeps_value=chart.keeps_value)
            for chart in curves.charts
            if chart.points and "*" not in chart.name  # W&B takes it for a pattern
        ),
    )


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
        number = None if value is None or value.number is None else to_history_number(value.number)
        if number is not None:
            row[f"tasks/{name}"] = number
    return row


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
            if number is not None and abs(number) < math.inf and is_exact(number):
                yield key, number
