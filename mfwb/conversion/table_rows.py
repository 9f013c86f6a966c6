"""First rows of a table, as a preview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mfwb.conversion.json_safe import to_json
from mfwb.conversion.tables import Table
from mfwb.errors import ItemLost
from mfwb.free_names import free_name
from mfwb.safe_text import storable

__all__ = ["column_name", "write_rows"]

ROWS_LIMIT = 100
COLUMNS_LIMIT = 50
CELL_LIMIT = 500
"""Characters; a longer text is cut."""


def write_rows(table: Table, path: Path, curves: Mapping[str, Any] | None = None) -> None:
    """Write the beginning of a table as JSON: `columns`, and `rows` of scalars.

    Args:
        table: the table.
        path: of the file.
        curves: columns of numbers that are written beside.
    """
    names, rows = _beginning(table)
    columns: list[str] = []
    for name in names:
        columns.append(free_name(name, set(columns)))
    document: dict[str, Any] = {
        "columns": columns,
        "rows": [[_cell(value) for value in row] for row in rows],
    }
    if curves is not None:
        document["curves"] = curves
    path.write_text(json.dumps(document, allow_nan=False), encoding="ascii")


def _beginning(table: Table) -> tuple[list[str], Iterable[Iterable[Any]]]:
    kind = type(table).__module__.partition(".")[0]
    if kind == "pyarrow":
        part = table.slice(0, ROWS_LIMIT).select(range(min(COLUMNS_LIMIT, table.num_columns)))
        columns = [column.to_pylist() for column in part.columns]
        return list(part.column_names), zip(*columns, strict=True)
    if kind == "polars":
        part = table[:ROWS_LIMIT, :COLUMNS_LIMIT]
        return list(part.columns), part.rows()
    return _of_pandas(table)


def _of_pandas(frame: Any) -> tuple[list[str], Iterable[Iterable[Any]]]:
    part = frame.iloc[:ROWS_LIMIT, :COLUMNS_LIMIT]
    names = [column_name(column) for column in part.columns]
    columns = [list(part.iloc[:, position]) for position in range(part.shape[1])]
    if not _is_plain(frame.index):
        levels = range(part.index.nlevels)
        names = [
            _index_name(part.index.names[level], level, len(levels)) for level in levels
        ] + names
        columns = [list(part.index.get_level_values(level)) for level in levels] + columns
    return names, zip(*columns, strict=True)


def _is_plain(index: Any) -> bool:
    """Whether an index only numbers the rows."""
    import pandas as pd  # noqa: PLC0415

    is_count = isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1)
    return is_count and index.name is None


def _index_name(name: Any, level: int, levels: int) -> str:
    if name is not None:
        return column_name(name)
    return "index" if levels == 1 else f"level_{level}"


def column_name(name: Any) -> str:
    """Return the name of a column as text; the parts of columns in several levels have a `/`."""
    parts = name if isinstance(name, tuple) else (name,)  # a tuple: columns in several levels
    return storable("/".join(str(part) for part in parts)[:CELL_LIMIT])


def _cell(value: Any) -> Any:
    """Return a value as a JSON scalar; None for a missing value, including NaN."""
    if value is None or _is_missing(value):
        return None
    try:
        plain = to_json(value)
    except ItemLost:  # an Interval, an array, an object of a user's class
        plain = storable(str(value))
    if isinstance(plain, (list, dict)):
        plain = json.dumps(plain)
    return plain[:CELL_LIMIT] if isinstance(plain, str) else plain


def _is_missing(value: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    return pd.api.types.is_scalar(value) and bool(pd.isna(value))
