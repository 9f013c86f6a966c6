"""Check whether a parquet file preserves all of a table, by how it would be read back.

Types are compared first; parquet preserves most of them, and its schema shows it. Cells are
compared only where the type does not determine what they are, and only up to a limit: a column
with more cells counts as not preserved.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from mfwb.conversion.storable_tables import to_storable_table

__all__ = ["describe_alteration"]

CELLS_LIMIT = 100_000
"""Cells of Python objects that are compared one by one, up to the first difference."""

_DEPTH_LIMIT = 100
_ROWS_AT_ONCE = 1_000
_EXACT_CELLS = frozenset({"string", "bytes", "date", "time", "decimal", "empty"})
"""Types that pandas infers for columns of Python objects and that parquet preserves."""
_NAME_LIMIT = 60  # characters


def describe_alteration(table: Any, path: Path) -> str:
    """Return the first difference between a table and its parquet file; empty if there is none.

    Missing values in a column of objects (None, NaN, NA) count as equal.

    Args:
        table: the table that `write_parquet` wrote.
        path: the parquet file.
    """
    import pandas as pd  # noqa: PLC0415

    try:
        if isinstance(table, pd.DataFrame):
            return next(_compare_pandas(table, path), "")
        if type(table).__module__.startswith("polars."):
            return ""  # polars writes parquet itself, and preserves everything
        return _compare_arrow(to_storable_table(table), path)
    except Exception as error:  # noqa: BLE001 - the file exists; whether it is equal is unknown
        return f"the file can't be read back ({type(error).__name__})"


def _compare_arrow(table: Any, path: Path) -> str:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        read = pq.read_schema(file)
    for before, after in zip(table.schema, read, strict=True):
        if before.type != after.type:
            return f"{_describe_column(before.name)} becomes {after.type}"
    return ""


def _compare_pandas(frame: Any, path: Path) -> Iterator[str]:
    empty = _read_without_rows(path)
    if not _are_same(dict(frame.attrs), dict(empty.attrs)):
        yield "its attrs differ"
    if not frame.flags.allows_duplicate_labels:
        yield "its labels may occur twice"
    yield from _compare_labels(frame.columns, empty.columns)
    yield from _compare_index(frame.index, empty.index)
    if getattr(frame.index, "freq", None) is not None and frame.index.dtype.kind in "mM":
        yield "its index has no frequency"
    for position, (before, after) in enumerate(zip(frame.dtypes, empty.dtypes, strict=True)):
        name = _describe_column(frame.columns[position])
        if _is_category(before):
            if not _same_categories(frame.iloc[:, position], path, position):
                yield f"{name} has other categories"
        elif _is_object(before):
            yield from (
                f"{name} {difference}"
                for difference in _compare_objects(frame, after, path, position)
            )
        elif not _are_same_dtype(before, after):
            yield f"{name} becomes {after}"


def _read_without_rows(path: Path) -> Any:
    """Return the frame that pandas would read back, without rows but with all its types."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        schema = pq.read_schema(file)
    empty = io.BytesIO()
    pq.write_table(schema.empty_table(), empty)
    return pd.read_parquet(empty, engine="pyarrow")


def _compare_labels(before: Any, after: Any) -> Iterator[str]:
    if before.nlevels != after.nlevels or not _are_alike(before, after):
        yield f"its column names become {after.dtype}"
    elif list(before.names) != list(after.names) or list(before) != list(after):
        yield "its column names differ"


def _compare_index(before: Any, after: Any) -> Iterator[str]:
    import pandas as pd  # noqa: PLC0415

    if list(before.names) != list(after.names):
        yield "its index has another name"
    if isinstance(before, pd.MultiIndex) or isinstance(after, pd.MultiIndex):
        if before.nlevels != after.nlevels:
            yield "its index has other levels"
            return
        for first, second in zip(before.levels, after.levels, strict=True):
            yield from _compare_index(first, second)
    elif _is_category(before.dtype):
        # Without rows there are no categories; those that are text are kept.
        if not _is_category(after.dtype) or not _is_text(before.categories):
            yield "its index has other categories"
    elif not _are_alike(before, after):
        yield f"its index becomes {after.dtype}"
    elif _is_object(before.dtype) and not _is_exact(before):
        yield "its index has objects that may differ"


def _are_alike(before: Any, after: Any) -> bool:
    """Whether labels have the same type; pandas 2 stores texts as objects, pandas 3 as strings."""
    import pandas as pd  # noqa: PLC0415

    if _is_object(before.dtype) and isinstance(after.dtype, pd.StringDtype):
        return _is_text(before)
    return _are_same_dtype(before.dtype, after.dtype)


def _are_same_dtype(before: Any, after: Any) -> bool:
    """Whether types are the same; the storage of texts depends on the reader and is ignored."""
    import pandas as pd  # noqa: PLC0415

    if isinstance(before, pd.StringDtype) and isinstance(after, pd.StringDtype):
        return repr(before.na_value) == repr(after.na_value)
    return type(before) is type(after) and bool(before == after)


def _same_categories(before: Any, path: Path, position: int) -> bool:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        name = pq.read_schema(file).names[position]
        after = pq.read_table(file, columns=[name]).to_pandas().iloc[:, 0]
    return bool(
        _is_category(after.dtype)
        and before.dtype.ordered == after.dtype.ordered
        and _are_alike(before.cat.categories, after.cat.categories)
        and list(before.cat.categories) == list(after.cat.categories)
        and (before.cat.codes.to_numpy() == after.cat.codes.to_numpy()).all()
    )


def _compare_objects(frame: Any, after: Any, path: Path, position: int) -> Iterator[str]:
    """Yield how a column of Python objects changes when it is read back."""
    import pandas as pd  # noqa: PLC0415

    column = frame.iloc[:, position]
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    # Booleans with None stay objects; the frame without rows does not show that.
    stays = inferred == "string" or (inferred == "boolean" and column.isna().any())
    if not _is_object(after) and not stays:
        yield f"becomes {after}"
    elif inferred not in _EXACT_CELLS:
        left = CELLS_LIMIT
        for first, second in zip(column, _read_cells(path, position), strict=True):
            left -= 1 + (len(first) if isinstance(first, (dict, list, tuple, set)) else 0)
            if left < 0:
                yield "has more cells than are compared"
                return
            if not _are_same(first, second):
                yield f"has cells of the type {type(first).__name__} that change when read back"
                return


def _read_cells(path: Path, position: int) -> Iterator[Any]:
    """Yield the cells of a column of a parquet file, with few of them in memory at a time."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as source, pq.ParquetFile(source) as file:
        name = file.schema_arrow.names[position]
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[name]):
            yield from batch.column(0).to_pandas()


def _are_same(first: Any, second: Any, depth: int = 0) -> bool:
    """Whether two cells are equal, including their types; missing values are equal."""
    import numpy as np  # noqa: PLC0415

    if _is_missing(first) and _is_missing(second):
        return True
    if type(first) is not type(second) or depth == _DEPTH_LIMIT:
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and _are_all_same(first.values(), second.values(), depth)
    if isinstance(first, np.ndarray) and first.dtype != object:
        floats = first.dtype.kind in "fc"
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=floats)
    if isinstance(first, (list, tuple, np.ndarray)):
        return _are_all_same(first, second, depth)
    return bool(first == second)


def _are_all_same(some: Collection[Any], others: Collection[Any], depth: int) -> bool:
    return len(some) == len(others) and all(
        _are_same(first, second, depth + 1) for first, second in zip(some, others, strict=True)
    )


def _is_missing(value: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (
            isinstance(value, float) and value != value  # noqa: PLR0124 - NaN
        )
    )


def _is_object(dtype: Any) -> bool:
    return bool(getattr(dtype, "hasobject", False))  # of numpy's dtypes


def _is_exact(labels: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    return pd.api.types.infer_dtype(labels, skipna=True) in _EXACT_CELLS


def _is_text(labels: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    return bool(pd.api.types.infer_dtype(labels, skipna=True) == "string")


def _is_category(dtype: Any) -> bool:
    import pandas as pd  # noqa: PLC0415

    return isinstance(dtype, pd.CategoricalDtype)


def _describe_column(label: Any) -> str:
    text = str(label)
    return f"column {text if len(text) <= _NAME_LIMIT else text[:_NAME_LIMIT] + '...'!r}"
