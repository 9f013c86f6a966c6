"""Shapes of values that are curves: columns of numbers, one row per epoch or the like. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeGuard

from mfwb.units.whole_numbers import EXACT

__all__ = ["AXES", "Columns", "Number", "choose_axis", "find_columns", "is_exact", "is_number"]

AXES = ("epoch", "step", "iteration", "global_step")
"""Columns that can be the x axis of the others; of two that are as fine, the first."""

ROWS_LIMIT = 100_000
"""A longer value has no charts."""

COLUMNS_LIMIT = 100
"""A value with more columns has no charts."""

Number = int | float

Columns = dict[str, list[Number | None]]
"""Columns of equal length by name; None is a gap. The only column of a list has no name."""


def is_number(value: Any) -> TypeGuard[Number]:
    """Whether a value is an int or a float, but not a bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_exact(number: Number) -> bool:
    """Whether a float, as W&B's history has it, equals the number."""
    return isinstance(number, float) or abs(number) <= EXACT


def find_columns(value: Any) -> Columns | None:
    """Return the columns of a value that is a curve; None for any other value.

    A curve is a list of numbers, a dict of lists of one length, a dict of such dicts, or a list of
    dicts of numbers, which need not all have the same keys. It has two rows at least.
    """
    columns: Columns | None = None
    if isinstance(value, Mapping):
        columns = _of_mapping(value)
    elif _is_list(value) and _has_rows(value):
        columns = {"": list(value)} if all(map(is_number, value)) else _of_rows(value)
    if columns is None or not 0 < len(columns) <= COLUMNS_LIMIT:
        return None
    return columns


def choose_axis(columns: Mapping[str, Sequence[Number | None]]) -> str | None:
    """Return the column that is the x axis of the others; None if none can be.

    It has no gaps and never falls. If several can be, the one with the most distinct numbers is
    chosen, as the `step` of Lightning, which counts finer than its `epoch`.
    """
    candidates = [name for name in AXES if name in columns and _is_axis(columns[name])]
    if len(columns) < 2:  # noqa: PLR2004 - nothing would be left to draw
        return None
    return max(candidates, key=lambda name: len(set(columns[name])), default=None)


def _is_axis(column: Sequence[Number | None]) -> bool:
    numbers = [number for number in column if number is not None and math.isfinite(number)]
    if len(numbers) < len(column) or not all(map(is_exact, numbers)):
        return False
    return all(former <= latter for former, latter in pairwise(numbers))


def _of_mapping(value: Mapping[Any, Any]) -> Columns | None:
    if not value or not all(isinstance(key, str) and key for key in value):
        return None
    if not all(isinstance(item, Mapping) for item in value.values()):
        return _of_lists(value)
    columns: Columns = {}
    for group, lists in value.items():
        inner = _of_lists(lists)
        if inner is None or not all(isinstance(key, str) and key for key in lists):
            return None
        columns |= {f"{group}/{name}": column for name, column in inner.items()}
    longest = max(map(len, columns.values()))
    return {name: [*column, *[None] * (longest - len(column))] for name, column in columns.items()}


def _of_lists(value: Mapping[Any, Any]) -> Columns | None:
    lists = [*value.values()]
    if not lists or not all(
        _is_list(item) and _has_rows(item) and len(item) == len(lists[0]) for item in lists
    ):
        return None
    if not all(is_number(number) for item in lists for number in item):
        return None
    return {name: list(item) for name, item in value.items()}


def _of_rows(rows: Sequence[Any]) -> Columns | None:
    if not all(isinstance(row, Mapping) and row for row in rows):
        return None
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) > COLUMNS_LIMIT or not all(isinstance(name, str) and name for name in names):
        return None
    if not all(is_number(number) for row in rows for number in row.values()):
        return None
    return {name: [row.get(name) for row in rows] for name in names}


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _has_rows(value: Sequence[Any]) -> bool:
    return 2 <= len(value) <= ROWS_LIMIT  # noqa: PLR2004
