"""Loading of pickled tables, and writing of parquet files.

pandas is imported only here, in `table_rows`, in `parquet_check` and in `pickles.standins`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfwb import pickles
from mfwb.conversion.storable_tables import to_storable_table
from mfwb.pickles.allowlist import BARE, FRAME_MAKERS, FRAMES
from mfwb.pickles.standins import polars as polars_standins
from mfwb.pickles.standins.pandas import EMPTY_LIMIT, forbid_time_zone_files

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Table",
    "as_table",
    "as_tables",
    "load_frame",
    "load_frames",
    "write_parquet",
]

Table = Any
"""A pandas DataFrame, a pyarrow Table, or, from a trusted pickle, a polars DataFrame."""


def load_frame(source: pickles.Source) -> Table:
    """Return a pickled table; any error for another value, or if it can't be loaded safely."""
    return as_table(_load(source))


def load_frames(source: pickles.Source) -> list[tuple[str, Table]]:
    """Return a pickled dict or list of tables, by key or index; any error for another value."""
    return as_tables(_load(source))


def as_table(value: Any) -> Table:
    """Return a value as a table; a Series or an Index becomes its only column; or TypeError."""
    if isinstance(value, (polars_standins.Frame, polars_standins.Series)):
        return value.table
    kind = type(value).__module__.partition(".")[0]
    if kind == "pyarrow":
        return _arrow_table(value)
    if kind == "polars":
        return _polars_frame(value)
    return _checked(_pandas_frame(value))


def as_tables(value: Any) -> list[tuple[str, Table]]:
    """Return a dict or list of tables, by key or index; TypeError if anything else is in it."""
    if isinstance(value, dict):
        return [(str(key), as_table(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [(str(index), as_table(item)) for index, item in enumerate(value)]
    raise TypeError(f"a {type(value).__name__} is not a dict or list of tables")


def write_parquet(table: Table, path: Path) -> None:
    """Write a table; for a pandas DataFrame, the same bytes as W&B's own decorator writes."""
    import pandas as pd  # noqa: PLC0415

    with path.open("wb") as file:
        if isinstance(table, pd.DataFrame):
            # Not `table.to_parquet`: a pickle may have set an attribute of that name.
            pd.DataFrame.to_parquet(table, file, engine="pyarrow")
        elif type(table).__module__.startswith("polars."):
            table.write_parquet(file)
        else:
            import pyarrow.parquet as pq  # noqa: PLC0415

            pq.write_table(to_storable_table(table), file)


def _load(source: pickles.Source) -> Any:
    forbid_time_zone_files()
    return pickles.loads(source, FRAMES, makers=FRAME_MAKERS, bare=BARE)


def _arrow_table(value: Any) -> Table:
    import pyarrow as pa  # noqa: PLC0415

    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if not isinstance(value, pa.Table):
        raise _no_table(value)
    value.validate(full=True)  # a pickle may have combined parts that don't fit
    return value


def _polars_frame(value: Any) -> Table:
    # From a trusted pickle: otherwise polars objects are stand-ins.
    polars = sys.modules["polars"]  # loading the value has imported it
    if isinstance(value, polars.Series):
        return value.to_frame()
    if not isinstance(value, polars.DataFrame):
        raise _no_table(value)
    return value


def _pandas_frame(value: Any) -> Any:
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, pd.Series):
        return pd.Series.to_frame(value)
    if isinstance(value, pd.RangeIndex) and len(value) > EMPTY_LIMIT:
        raise ValueError("an index of more items than it has bytes for")
    if isinstance(value, pd.Index):
        _checked(pd.DataFrame(index=value))  # before its codes are used
        return value.to_frame(index=False)
    if not isinstance(value, pd.DataFrame):
        raise _no_table(value)
    return value


def _no_table(value: Any) -> TypeError:
    return TypeError(f"a {type(value).__name__} is not a table")


def _checked(frame: Any) -> Any:
    """Return the frame if its codes refer to existing categories and levels; else ValueError."""
    for codes, count in _codes(frame):
        if len(codes) and (codes.min() < -1 or codes.max() >= count):
            raise ValueError("a category that does not exist")
    return frame


def _codes(frame: Any) -> Iterator[tuple[np.ndarray[Any, Any], int]]:
    """Yield codes and the number of valid codes; pandas reads memory by codes without a check."""
    import pandas as pd  # noqa: PLC0415

    for position, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, pd.CategoricalDtype):
            column = frame.iloc[:, position].cat
            yield column.codes.to_numpy(), len(column.categories)
    for axis in frame.axes:
        if isinstance(axis, pd.MultiIndex):
            yield from (
                (codes, len(level)) for codes, level in zip(axis.codes, axis.levels, strict=True)
            )
        elif isinstance(axis, pd.CategoricalIndex):
            yield axis.codes, len(axis.categories)
