"""Columns of numbers of a table that are curves, as from a log of training."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mfwb.conversion.curve_shapes import AXES, Columns, choose_axis, is_number
from mfwb.conversion.read_json import read_json
from mfwb.conversion.table_rows import column_name
from mfwb.conversion.tables import Table

__all__ = ["read_columns", "table_curves", "write_columns"]

ROWS_LIMIT = 10_000
"""A longer table is rather data than a log of training, and has no charts."""

COLUMNS_LIMIT = 50
"""Columns of numbers; a table with more has no charts."""

_SIZE_LIMIT = 64_000_000
"""Bytes of the file; a valid one is smaller."""


def table_curves(table: Table, *, named: bool = False) -> Columns | None:
    """Return the columns of a table that are curves, its index included; None if none are.

    Args:
        table: the table.
        named: whether the settings name it, so that it needs no column for the x axis.
    """
    if not 2 <= len(table) <= ROWS_LIMIT:  # noqa: PLR2004 - a curve has two points
        return None
    names = _names(table)
    if not named and not any(name in AXES for name in names):
        return None
    columns: Columns = {}
    for name, numbers in _numeric(table):
        if len(columns) == COLUMNS_LIMIT:
            return None
        points = [_point(number) for number in numbers]
        if name not in columns and any(point is not None for point in points):
            columns[name] = points
    if not columns or (not named and choose_axis(columns) is None):
        return None
    return columns


def write_columns(columns: Columns | None, path: Path) -> None:
    """Write columns as JSON."""
    path.write_text(json.dumps({"curves": columns}, allow_nan=False), encoding="ascii")


def read_columns(path: Path) -> Columns | None:
    """Return the columns in a file of `write_columns` or `write_rows`; ValueError for another form.

    The process that wrote the file loaded a pickle of unknown origin, and may be compromised.
    """
    document = read_json(
        path, "columns", limit=_SIZE_LIMIT, too_large="more columns than are drawn"
    )
    columns = document.get("curves") if isinstance(document, dict) else None
    if columns is None:
        return None
    if not isinstance(columns, dict) or not 0 < len(columns) <= COLUMNS_LIMIT:
        raise ValueError("no columns")
    lists = [*columns.values()]
    if not all(isinstance(numbers, list) and len(numbers) == len(lists[0]) for numbers in lists):
        raise ValueError("columns of several lengths")
    if len(lists[0]) > ROWS_LIMIT or not all(
        number is None or is_number(number) for numbers in lists for number in numbers
    ):
        raise ValueError("columns of something else than numbers")
    return columns


def _names(table: Table) -> list[str]:
    """Return the names of the columns, and of the index of a pandas DataFrame."""
    kind = type(table).__module__.partition(".")[0]
    if kind == "pyarrow":
        return list(table.column_names)
    if kind == "polars":
        return list(table.columns)
    return [column_name(name) for name in (table.index.name, *table.columns) if name is not None]


def _numeric(table: Table) -> Iterator[tuple[str, list[Any]]]:
    """Yield the columns of numbers; of a pandas DataFrame also its index, if it has a name."""
    kind = type(table).__module__.partition(".")[0]
    if kind == "pyarrow":
        import pyarrow as pa  # noqa: PLC0415

        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                yield name, column.to_pylist()
    elif kind == "polars":
        for column in table.iter_columns():
            if column.dtype.is_integer() or column.dtype.is_float():
                yield column.name, column.to_list()
    else:
        yield from _numeric_of_pandas(table)


def _numeric_of_pandas(frame: Any) -> Iterator[tuple[str, list[Any]]]:
    import pandas as pd  # noqa: PLC0415

    index = frame.index
    if index.nlevels == 1 and index.name is not None and _is_numeric(index.dtype):
        yield column_name(index.name), [None if pd.isna(item) else item for item in index.tolist()]
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if _is_numeric(column.dtype):
            yield (
                column_name(name),
                [None if pd.isna(item) else item for item in column.tolist()],
            )


def _is_numeric(dtype: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    kinds = pd.api.types
    return bool(kinds.is_integer_dtype(dtype) or kinds.is_float_dtype(dtype))


def _point(number: Any) -> int | float | None:
    """Return a number of a table; None for a gap: a missing one, NaN and infinities."""
    if not is_number(number) or (isinstance(number, float) and not math.isfinite(number)):
        return None
    return number
