"""Values of tasks -> the summary of their W&B run. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from mfwb.conversion.json_safe import json_size, to_json
from mfwb.errors import ItemLost
from mfwb.payload.values import Number, Value, Values
from mfwb.planning import PlannedRun
from mfwb.units.whole_numbers import EXACT

__all__ = ["limit_summary", "summarize", "table_reference"]

LIST_LIMIT = 100_000
"""Characters of JSON; a longer list of what tasks have is left to their table."""


def summarize(run: PlannedRun, values: Values) -> dict[str, Any]:
    """Return the summary: the values of a single task, or those of many tasks in short."""
    if run.merged:
        return {key: _in_short(_in_order(run, of_tasks)) for key, of_tasks in values.items()}
    return {key: to_json(value.json) for key, value in _only(values).items()}


def limit_summary(
    summary: Mapping[str, Any], *, beside: int, limit: int
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what of a summary fits, and the sizes of what does not: the largest.

    Args:
        summary: JSON-safe.
        beside: characters that are in the summary already.
        limit: characters that there may be in all.
    """
    sizes = {key: json_size(key) + json_size(value) + 4 for key, value in summary.items()}
    total = beside + sum(sizes.values())
    dropped = {}
    for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
        if total <= limit:
            break
        total -= sizes[key]
        dropped[key] = sizes[key]
    return {key: value for key, value in summary.items() if key not in dropped}, dropped


def _only(values: Values) -> dict[str, Value]:
    return {key: value for key, of_tasks in values.items() for value in of_tasks.values()}


def _in_order(run: PlannedRun, of_tasks: Mapping[str, Value]) -> list[Value]:
    return [of_tasks[task.pathspec] for task in run.tasks if task.pathspec in of_tasks]


def _in_short(values: Sequence[Value]) -> Any:
    numbers = [value.number for value in values if value.number is not None]
    if len(numbers) == len(values):
        return to_json(_statistics(numbers))
    first = values[0]
    # Values of tasks that wrote the same bytes are one and the same, which is quick to see.
    if all(value is first or value.json == first.json for value in values):
        return to_json(first.json)
    try:
        every = to_json([value.json for value in values])
    except ItemLost:
        every = None  # together they are too large
    if every is None or json_size(every) >= LIST_LIMIT:
        return table_reference(len(values))
    return every


def table_reference(tasks: int) -> dict[str, Any]:
    """Return what stands for values of so many tasks that only their table has."""
    return {"tasks": tasks, "see": "table tasks"}


def _statistics(numbers: Sequence[Number]) -> dict[str, Number]:
    there = [number for number in numbers if number == number] or [math.nan]  # noqa: PLR0124 - no NaN
    return {"min": min(there), "max": max(there), "mean": _mean(there)}


def _mean(numbers: Sequence[Number]) -> Number:
    """Return the mean: exact if it is whole and no float could hold it; NaN of both infinities."""
    endless = [one for one in numbers if isinstance(one, float) and not math.isfinite(one)]
    if endless:
        return sum(endless)
    if all(isinstance(number, float) for number in numbers):
        with suppress(OverflowError):
            return math.fsum(numbers) / len(numbers)
    mean = sum(map(Fraction, numbers), Fraction(0)) / len(numbers)
    is_large = abs(mean) > EXACT
    if is_large and all(isinstance(number, int) for number in numbers):
        return round(mean)
    try:
        return float(mean)
    except OverflowError:  # some are whole numbers beyond any float
        return round(mean)
