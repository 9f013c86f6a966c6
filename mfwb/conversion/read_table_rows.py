"""The first rows of a table, as `table_rows` wrote them in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfwb.conversion.read_json import read_json
from mfwb.ports import ReadyTable

__all__ = ["read_rows"]

_SIZE_LIMIT = 64_000_000
"""Bytes of the file; a valid preview is smaller."""


def read_rows(path: Path) -> ReadyTable:
    """Return the table that `write_rows` wrote; ValueError if the file has another form.

    The process that wrote the file loaded a pickle of unknown origin, and may be compromised.
    """
    match read_json(path, "rows", limit=_SIZE_LIMIT, too_large="more rows than are shown"):
        case {"columns": list() as columns, "rows": list() as rows}:
            if _are_of(columns, str) and all(_is_row(row, len(columns)) for row in rows):
                return ReadyTable(columns=tuple(columns), rows=tuple(map(tuple, rows)))
    raise ValueError("no rows")


def _are_of(values: list[Any], *kinds: type) -> bool:
    return all(isinstance(value, kinds) for value in values)


def _is_row(row: Any, width: int) -> bool:
    scalars = (str, int, float, bool, type(None))
    return isinstance(row, list) and len(row) == width and _are_of(row, *scalars)
