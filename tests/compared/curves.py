"""What the charts of a W&B run should be, from the values that Metaflow's client gives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from tests.compared.metaflow_facts import TaskFacts
from tests.compared.values import is_number

__all__ = ["Charts", "charts_of"]

_AXES = ["epoch", "step", "iteration", "global_step"]
_MOST_TASKS = 50
_MOST_ROWS = 100_000
_MOST_ROWS_OF_TABLES = 10_000
_MOST_COLUMNS_OF_TABLES = 50
_EXACT = 2**53


@dataclass
class Charts:
    """The charts of a W&B run.

    Attributes:
        points: numbers by row of the history and name.
        axes: the x axis of each chart.
        last: what the summary has of them.
        replaced: names of artifacts that the summary does not have beside.
    """

    points: dict[tuple[int, str], Any] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)


def charts_of(  # noqa: C901 - one rule after the other
    tasks: Sequence[TaskFacts], *, merged: bool, iterated: set[str], others: set[str]
) -> Charts:
    """Return the charts of a W&B run.

    Args:
        tasks: of the W&B run.
        merged: whether it stands for several tasks.
        iterated: names of the artifacts that a foreach iterates over.
        others: names that cards have.
    """
    charts = Charts()
    if merged and len(tasks) > _MOST_TASKS:
        return charts
    families = [
        (name, f"/{task.label}" if merged else "", frame, _keeps(held.value))
        for task in tasks
        for name, held in task.held.items()
        if name not in iterated and (frame := _frame(held.value)) is not None
    ]
    columns = {(name, column) for name, _, frame, _ in families for column in frame if column}
    counts = Counter(column for _, column in columns)
    taken = {name for task in tasks for name in task.held} | others
    for name, label, frame, keeps in families:
        free = taken - (set() if keeps else {name})

        def name_of(column: str, name: str = name, free: set[str] = free) -> str:
            if not column:
                return name
            is_own = counts[column] == 1 and column not in free and column[:6] != "tasks/"
            return column if is_own else f"{name}/{column}"

        axis = _axis(frame)
        x = f"{name_of(axis)}{label}" if axis else f"{name}/index"
        for column, numbers in frame.items():
            if column == axis:
                continue
            chart = f"{name_of(column)}{label}"
            for row, number in enumerate(numbers):
                if number is None or abs(number) > 10**308:  # no float is near it
                    continue
                position = frame[axis][row] if axis else row
                charts.points[row, x] = position
                charts.points[row, chart] = number
                charts.axes[chart] = x
                if column or label or not keeps:
                    charts.last[chart] = number
                if axis:
                    charts.last[x] = max(position, charts.last.get(x, position))
    drawn = Counter(name for name, _, _, keeps in families if not keeps)
    held = Counter(name for task in tasks for name in task.held)
    charts.replaced = {name for name, count in drawn.items() if count == held[name]}
    return charts


def _keeps(value: Any) -> bool:
    if isinstance(value, pd.DataFrame | pd.Series | pl.DataFrame | pa.Table):
        return True
    numbers = list(_leaves(value))
    if any(isinstance(number, int) and abs(number) > _EXACT for number in numbers):
        return True
    is_flat = isinstance(value, list | tuple) and all(map(is_number, value))
    return is_flat and len(value) <= 20 and all(isinstance(n, int | np.integer) for n in numbers)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _frame(value: Any) -> dict[str, list[Any]] | None:
    """Return the columns of a curve; None for any other value."""
    if isinstance(value, pd.DataFrame | pd.Series | pl.DataFrame | pa.Table):
        return _of_table(value)
    if isinstance(value, dict):
        return _of_dict(value)
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= _MOST_ROWS:
        return None
    if all(map(is_number, value)):
        return {"": [_plain(item) for item in value]}
    is_rows = all(isinstance(row, dict) and row and _are_names(row) for row in value)
    if not is_rows or not all(is_number(item) for row in value for item in row.values()):
        return None
    names = dict.fromkeys(name for row in value for name in row)
    return {name: [_plain(row[name]) if name in row else None for row in value] for name in names}


def _of_dict(value: dict[Any, Any]) -> dict[str, list[Any]] | None:  # noqa: PLR0911
    if not value or not _are_names(value):
        return None
    if all(isinstance(item, dict) for item in value.values()):
        groups = {name: _of_dict(item) for name, item in value.items()}
        if any(isinstance(item, dict) for group in value.values() for item in group.values()):
            return None
        if any(group is None for group in groups.values()):
            return None
        flat = {
            f"{group}/{name}": numbers
            for group, lists in groups.items()
            for name, numbers in (lists or {}).items()
        }
        longest = max(map(len, flat.values()))
        return {name: [*items, *[None] * (longest - len(items))] for name, items in flat.items()}
    lists = list(value.values())
    if not all(isinstance(item, list | tuple) and len(item) == len(lists[0]) for item in lists):
        return None
    if not 2 <= len(lists[0]) <= _MOST_ROWS or not all(
        is_number(n) for item in lists for n in item
    ):
        return None
    return {name: [_plain(n) for n in item] for name, item in value.items()}


def _of_table(table: Any) -> dict[str, list[Any]] | None:
    if not isinstance(table, pd.DataFrame):
        frame = table.to_frame() if isinstance(table, pd.Series) else table.to_pandas()
    else:
        frame = table
    if not 2 <= len(frame) <= _MOST_ROWS_OF_TABLES:
        return None
    if frame.index.name is not None:
        frame = frame.reset_index()
    columns = {
        "/".join(map(str, name if isinstance(name, tuple) else (name,))): [
            None if pd.isna(item) or math.isinf(item) else _plain(item) for item in frame[name]
        ]
        for name in frame
        if frame[name].dtype.kind in "iuf"
    }
    columns = {name: items for name, items in columns.items() if any(n is not None for n in items)}
    if len(columns) > _MOST_COLUMNS_OF_TABLES or _axis(columns) is None:
        return None
    return columns


def _axis(frame: dict[str, list[Any]]) -> str | None:
    best = None
    for name in _AXES:
        column = frame.get(name)
        if column is None or len(frame) == 1 or None in column:
            continue
        if all(map(math.isfinite, column)) and column == sorted(column):
            count = len(set(column))
            if best is None or count > best[0]:
                best = count, name
    return best[1] if best else None


def _are_names(value: dict[Any, Any]) -> bool:
    return all(isinstance(name, str) and name for name in value)


def _plain(number: Any) -> Any:
    return number.item() if hasattr(number, "item") else number
