"""Columns of numbers in a value that should be charts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mfwb.safe_text import storable
from mfwb.verification.expected.wording import to_number

__all__ = ["AXES", "Column", "find_axis", "keeps_value", "read_columns"]

AXES = ("epoch", "step", "iteration", "global_step")

_MAX_ROWS = 100_000
_MAX_COLUMNS = 100
_MAX_SETTING = 20  # whole numbers of a list that the summary keeps
_EXACT = 2**53

Column = Sequence[int | float | None]


def read_columns(value: Any) -> dict[str, Column] | None:
    """Return the columns of a list, a dict of lists, a dict of such dicts, or a list of dicts.

    The column of a list has no name. None: the value is none of these.
    """
    for read in (_read_list, _read_lists, _read_groups, _read_rows):
        columns = read(value)
        if columns is not None:
            return columns if len(columns) <= _MAX_COLUMNS else None
    return None


def find_axis(columns: Mapping[str, Column]) -> str | None:
    """Return the name of the column over which the others should be drawn; None: over the rows."""
    best: tuple[int, str] | None = None
    for name in AXES:
        column = columns.get(name)
        if column is None or len(columns) == 1:
            continue
        known = [number for number in column if number is not None and _is_position(number)]
        if len(known) == len(column) and known == sorted(known):
            count = len(set(known))
            if best is None or count > best[0]:
                best = count, name
    return None if best is None else best[1]


def keeps_value(columns: Mapping[str, Column]) -> bool:
    """Whether the summary should have the value itself, and not only the last points."""
    numbers = [number for column in columns.values() for number in column if number is not None]
    if any(isinstance(number, int) and abs(number) > _EXACT for number in numbers):
        return True
    are_whole = all(isinstance(number, int) for number in numbers)
    return [*columns] == [""] and len(numbers) <= _MAX_SETTING and are_whole


def _is_position(number: float) -> bool:
    return abs(number) <= _EXACT if isinstance(number, int) else abs(number) < float("inf")


def _read_list(value: Any) -> dict[str, Column] | None:
    column = _numbers(value)
    return None if column is None else {"": column}


def _read_lists(value: Any) -> dict[str, Column] | None:
    columns = _by_name(value, _numbers)
    if columns is None or len({len(column) for column in columns.values()}) != 1:
        return None
    return columns


def _read_groups(value: Any) -> dict[str, Column] | None:
    groups = _by_name(value, _read_lists)
    if groups is None:
        return None
    length = max(len(column) for columns in groups.values() for column in columns.values())
    return {
        f"{group}/{name}": [*column, *[None] * (length - len(column))]
        for group, columns in groups.items()
        for name, column in columns.items()
    }


def _read_rows(value: Any) -> dict[str, Column] | None:
    if not _is_long_enough(value):
        return None
    rows = [_by_name(row, to_number) for row in value]
    names = {name: None for row in rows if row is not None for name in row}
    if None in rows:
        return None
    return {name: [row[name] if row and name in row else None for row in rows] for name in names}


def _numbers(value: Any) -> Column | None:
    if not _is_long_enough(value):
        return None
    numbers = [to_number(item) for item in value]
    return None if None in numbers else numbers


def _is_long_enough(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and 2 <= len(value) <= _MAX_ROWS  # noqa: PLR2004


def _by_name(value: Any, read: Callable[[Any], Any]) -> dict[str, Any] | None:
    """Return what is read of each item of a dict; None if a key or an item does not fit."""
    if not isinstance(value, dict) or not value:
        return None
    if not all(isinstance(key, str) and key for key in value):
        return None
    items = {storable(key): read(item) for key, item in value.items()}
    return None if any(item is None for item in items.values()) else items
