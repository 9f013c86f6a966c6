"""What the summary, the history and the table of tasks of a W&B run should say of values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mfwb.verification.expected import names
from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.model import ExpectedTable, ExpectedValue, Statistics
from mfwb.verification.expected.run_curves import CurveRules, expect_curves
from mfwb.verification.expected.wording import ANY, put
from mfwb.verification.expected.written_value import WrittenValue

__all__ = ["RunValues", "expect_values", "statistics"]

_EXACT = 2**53
_MAX_LIST = 100_000  # characters of JSON; a longer one is in the table of tasks alone
_MAX_SUMMARY = 6_000_000  # characters; beyond it some values are files, and here it is open
_OWN_COLUMNS = ("index", "task", "state", "seconds")


@dataclass(slots=True)
class RunValues:
    """What a W&B run says of values.

    Attributes:
        axes: the x axis of each chart.
        open_keys: keys that are not settled here.
        has_open_charts: whether there may be charts that are not worked out, of tables.
        other_names: the names of charts if a table has a column of the same name.
    """

    summary: dict[str, ExpectedValue] = field(default_factory=dict)
    history: dict[tuple[int, str], int | float] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    table: ExpectedTable | None = None
    has_open_charts: bool = False
    other_names: dict[str, str] = field(default_factory=dict)
    open_keys: set[str] = field(default_factory=set)
    unknown: list[tuple[str, str]] = field(default_factory=list)


def expect_values(
    tasks: Sequence[TaskFacts],
    written: Mapping[str, Sequence[WrittenValue]],
    rules: CurveRules,
    *,
    merged: bool,
    foreach: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunValues:
    """Return what a W&B run says of the values of its tasks.

    Args:
        tasks: of the W&B run.
        written: by the name of the artifact, in the order of the tasks.
        rules: which artifacts should become charts.
        merged: whether it stands for several tasks.
        foreach: the columns for the foreachs of each task, by its path.
    """
    result = RunValues()
    columns: dict[str, Sequence[WrittenValue]] = {}
    for name, items in written.items():
        key = names.summary_key(name)
        spoken = [item for item in items if item.shows_value or item.is_caught]
        if not spoken and not any(item.form.shown is None for item in items):
            continue
        if not all(item.is_certain for item in items):
            _leave_open(result, key, items)
            if any(item.shows_value for item in items):
                columns[key] = ()
            continue
        options = _in_short(items) if merged else _alone(items[0])
        result.summary[key] = ExpectedValue(options)
        columns[key] = items
    _add_curves(result, tasks, written, rules, merged=merged)
    _limit(result)
    _add_numbers(result, tasks, _rows(tasks), columns, merged=merged)
    if merged:
        result.table = _table(tasks, columns, foreach or {})
    return result


def _leave_open(result: RunValues, key: str, items: Sequence[WrittenValue]) -> None:
    result.open_keys.add(key)
    reasons = {item.value.reason for item in items if item.shows_value and item.value.reason}
    if reasons:
        result.unknown.append((f"summary.{key}", min(reasons)))


def _alone(item: WrittenValue) -> tuple[Any, ...]:
    value = item.summary_value
    return ("None",) if value is None else (value,)


def _in_short(items: Sequence[WrittenValue]) -> tuple[Any, ...]:
    """Return the possible short forms of the values of several tasks; each of them is right."""
    numbers = [item.value.number for item in items if item.is_value]
    known = [number for number in numbers if number is not None]
    if len(known) == len(items):
        return (statistics(known),)
    values = [item.summary_value for item in items]
    options: list[Any] = []
    if all(_is_equal(value, values[0]) for value in values[1:]):
        options.append("None" if values[0] is None else values[0])
    if len(options) == 0 or len({json.dumps(value, sort_keys=True) for value in values}) > 1:
        options.append(values)
    if len(json.dumps(values)) >= _MAX_LIST // 2:
        options.append({"tasks": len(items), "see": "table tasks"})
    return tuple(options)


def _is_equal(value: Any, other: Any) -> bool:
    if isinstance(value, dict) and isinstance(other, dict) and ANY in (*value, *other):
        return True
    return bool(value == other)


def statistics(numbers: Sequence[int | float]) -> Statistics:
    """Return minimum, maximum and mean of the values of several tasks."""
    present = [number for number in numbers if number == number] or [math.nan]  # noqa: PLR0124 - NaN
    infinite = [
        number for number in present if isinstance(number, float) and not math.isfinite(number)
    ]
    mean: int | float
    if infinite:
        mean = sum(infinite)
    else:
        exact = sum(map(Fraction, present), Fraction(0)) / len(present)
        try:
            mean = float(exact)
        except OverflowError:
            mean = round(exact)
        if abs(exact) > _EXACT and all(isinstance(number, int) for number in present):
            mean = round(exact)
    return Statistics(put(min(present)), put(max(present)), mean)


def _limit(result: RunValues) -> None:
    """Leave all open where the values may be more than a summary has room for."""
    sizes = sum(
        len(json.dumps(option)) if not isinstance(option, Statistics) else 100
        for value in result.summary.values()
        for option in value.options[:1]
    )
    if sizes > _MAX_SUMMARY:
        result.open_keys |= result.summary.keys()
        result.unknown.append(("summary", "its values may be more than W&B's summary has room for"))
        result.summary.clear()


def _rows(tasks: Sequence[TaskFacts]) -> dict[str, int]:
    """Return the row of the history for each task: its index, if each has one of its own."""
    by_index = all(len(task.indexes) == 1 and not task.rounds for task in tasks)
    return {
        task.path: task.indexes[0] if by_index else position for position, task in enumerate(tasks)
    }


def _add_numbers(
    result: RunValues,
    tasks: Sequence[TaskFacts],
    rows: Mapping[str, int],
    columns: Mapping[str, Sequence[WrittenValue]],
    *,
    merged: bool,
) -> None:
    if merged:
        for task in tasks:
            result.history[rows[task.path], "tasks/index"] = rows[task.path]
            if task.seconds is not None:
                result.history[rows[task.path], "tasks/seconds"] = task.seconds
                result.axes["tasks/seconds"] = "tasks/index"
    taken = {"index", "seconds"}
    for key, items in columns.items():
        shown = [item for item in items if item.shows_value]  # not tables and caught errors
        numbers = [(item.task, item.value.number) for item in shown if item.is_value]
        if not shown or len(numbers) < len(shown):
            continue
        if not all(number is not None for _, number in numbers):
            continue
        name = names.free(key, taken)
        taken.add(name)
        for task, number in numbers:
            if number is not None and (drawn := _drawn(number, exactly=not merged)) is not None:
                row_and_key = (rows[task.path], f"tasks/{name}") if merged else (0, key)
                result.history[row_and_key] = drawn
                if merged:
                    result.axes[f"tasks/{name}"] = "tasks/index"


def _drawn(number: float, *, exactly: bool) -> int | float | None:
    """Return a number as a point of a chart; None if it is none."""
    if exactly:
        is_fit = number == number and abs(number) < math.inf  # noqa: PLR0124 - NaN
        return number if is_fit and (type(number) is float or abs(number) <= _EXACT) else None
    try:
        return float(number) if abs(number) > _EXACT else number
    except OverflowError:
        return None


def _add_curves(
    result: RunValues,
    tasks: Sequence[TaskFacts],
    written: Mapping[str, Sequence[WrittenValue]],
    rules: CurveRules,
    *,
    merged: bool,
) -> None:
    curves = expect_curves(tasks, written, rules, merged=merged)
    result.history |= curves.history
    result.axes |= curves.axes
    result.open_keys |= curves.open_keys
    result.has_open_charts = curves.has_tables
    for key in curves.replaced | curves.open_keys:
        result.summary.pop(key, None)
    result.summary |= {key: ExpectedValue((put(last),)) for key, last in curves.last.items()}
    result.other_names |= curves.other_names


def _table(
    tasks: Sequence[TaskFacts],
    columns: Mapping[str, Sequence[WrittenValue]],
    foreach: Mapping[str, Mapping[str, Any]],
) -> ExpectedTable:
    has_exceptions = any(task.exception is not None for task in tasks)
    own = (*_OWN_COLUMNS, "exception") if has_exceptions else _OWN_COLUMNS
    cells: dict[str, dict[str, Any]] = {}
    for task in tasks:
        for column, cell in foreach.get(task.path, {}).items():
            cells.setdefault(column, {})[task.path] = cell
    taken = {*own, *cells}
    for key in columns:
        column = names.free(key, taken)
        taken.add(column)
        cells[column] = dict(_cells(columns[key]))
    return ExpectedTable(
        own=own,
        rows=tuple((task.label, task.path, task.outcome, task.seconds) for task in tasks),
        columns=cells,
    )


def _cells(items: Sequence[WrittenValue]) -> Iterator[tuple[str, Any]]:
    for item in items:
        yield item.task.path, item.summary_value
