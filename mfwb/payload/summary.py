"""Values of tasks -> the summary of their W&B run. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from mfwb.conversion.json_safe import json_size, to_json, to_json_again
from mfwb.errors import ItemLost
from mfwb.payload.values import Number, Value, Values
from mfwb.planning import PlannedRun
from mfwb.units.whole_numbers import EXACT

__all__ = ["aggregate", "limit_summary", "summarize", "table_reference"]

LIST_LIMIT = 100_000
"""Characters of JSON; a longer list of the tasks' values is only in their table."""


def summarize(run: PlannedRun, values: Values) -> dict[str, Any]:
    """Return the summary: the values of a single task, or aggregates over many tasks."""
    if run.merged:
        return {key: aggregate(_order_by_task(run, of_tasks)) for key, of_tasks in values.items()}
    return {key: to_json_again(value.json) for key, value in _single_task_values(values).items()}


def limit_summary(
    summary: Mapping[str, Any], *, beside: int, limit: int
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the part of a summary that fits, and the sizes of the largest values, dropped first.

    Args:
        summary: JSON-safe values.
        beside: characters that are in the summary already.
        limit: maximum number of characters of the whole summary.
    """
    if not summary or beside + json_size(summary) <= limit:
        return {**summary}, {}
    sizes = {key: json_size(key) + json_size(value) + 4 for key, value in summary.items()}
    total = beside + sum(sizes.values())
    dropped = {}
    for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
        if total <= limit:
            break
        total -= sizes[key]
        dropped[key] = sizes[key]
    return {key: value for key, value in summary.items() if key not in dropped}, dropped


def _single_task_values(values: Values) -> dict[str, Value]:
    return {key: value for key, of_tasks in values.items() for value in of_tasks.values()}


def _order_by_task(run: PlannedRun, of_tasks: Mapping[str, Value]) -> list[Value]:
    return [of_tasks[task.pathspec] for task in run.tasks if task.pathspec in of_tasks]


def aggregate(values: Sequence[Value]) -> Any:
    """Return the values of several tasks as one: statistics of numbers, else a list; ItemLost."""
    numbers = [value.number for value in values if value.number is not None]
    if len(numbers) == len(values):
        return to_json(_statistics(numbers))
    first = values[0]
    # Tasks that wrote the same bytes share one Value object, so `is` is a quick check.
    if all(value is first or value.json == first.json for value in values):
        return to_json_again(first.json)
    try:
        every = to_json([value.json for value in values])
    except ItemLost:
        every = None  # the list is too large
    if every is None or json_size(every) >= LIST_LIMIT:
        return table_reference(len(values))
    return every


def table_reference(tasks: int) -> dict[str, Any]:
    """Return the summary entry for values that are only in the table of tasks."""
    return {"tasks": tasks, "see": "table tasks"}


def _statistics(numbers: Sequence[Number]) -> dict[str, Number]:
    present = [number for number in numbers if number == number] or [math.nan]  # noqa: PLR0124 - no NaN
    return {"min": min(present), "max": max(present), "mean": _mean(present)}


def _mean(numbers: Sequence[Number]) -> Number:
    """Return the mean; as an int if it is too large for an exact float; NaN of both infinities."""
    infinite = [item for item in numbers if isinstance(item, float) and not math.isfinite(item)]
    if infinite:
        return sum(infinite)
    if all(isinstance(number, float) for number in numbers):
        with suppress(OverflowError):
            return math.fsum(numbers) / len(numbers)
    mean = sum(map(Fraction, numbers), Fraction(0)) / len(numbers)
    is_large = abs(mean) > EXACT
    if is_large and all(isinstance(number, int) for number in numbers):
        return round(mean)
    try:
        return float(mean)
    except OverflowError:  # some are integers beyond the range of floats
        return round(mean)
