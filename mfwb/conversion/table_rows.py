"""First rows of a table, as a preview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mfwb.conversion.json_safe import to_json
from mfwb.conversion.tables import Table
from mfwb.errors import ItemLost
from mfwb.planning.names import free_name
from mfwb.ports import ReadyTable
from mfwb.safe_text import storable

__all__ = ["column_name", "read_rows", "write_rows"]

ROWS_LIMIT = 100
COLUMNS_LIMIT = 50
CELL_LIMIT = 500
"""Characters; a longer text is cut."""

_SIZE_LIMIT = 64_000_000
"""Bytes of the file; a valid preview is smaller."""


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


def read_rows(path: Path) -> ReadyTable:
    """Return the table that `write_rows` wrote; ValueError if the file has another form.

    The process that wrote the file loaded a pickle of unknown origin, and may be compromised.
    """
    if path.stat().st_size > _SIZE_LIMIT:
        raise ValueError("more rows than are shown")
    try:
        document = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("rows that are nested too deeply") from None
    match document:
        case {"columns": list() as columns, "rows": list() as rows}:
            if _are_of(columns, str) and all(_is_row(row, len(columns)) for row in rows):
                return ReadyTable(columns=tuple(columns), rows=tuple(map(tuple, rows)))
    raise ValueError("no rows")


def _are_of(values: list[Any], *kinds: type) -> bool:
    return all(isinstance(value, kinds) for value in values)


def _is_row(row: Any, width: int) -> bool:
    scalars = (str, int, float, bool, type(None))
    return isinstance(row, list) and len(row) == width and _are_of(row, *scalars)


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
