"""Whether a parquet file says all that a table says: what it would be read back as.

Types are compared first, of which parquet keeps most, and says so in its schema. Cells are looked
at only where a type leaves open what they are, and only so many: past that, nobody can tell.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from mfwb.conversion.storable_tables import to_storable_table

__all__ = ["describe_alteration"]

CELLS_LIMIT = 100_000
"""Cells of any type that are compared one by one; the first that differs ends it."""

_DEPTH_LIMIT = 100
_ROWS_AT_ONCE = 1_000
_EXACT_CELLS = frozenset({"string", "bytes", "date", "time", "decimal", "empty"})
"""What pandas finds in columns of Python objects that parquet gives back as it was."""
_NAME_LIMIT = 60  # characters


def describe_alteration(table: Any, path: Path) -> str:
    """Return what a parquet file changes of the table that was written to it; empty: nothing.

    What is missing in a column of objects (None, NaN, NA) counts as the same.

    Args:
        table: what `write_parquet` takes.
        path: of the parquet file.
    """
    import pandas as pd  # noqa: PLC0415

    try:
        if isinstance(table, pd.DataFrame):
            return next(_of_pandas(table, path), "")
        if type(table).__module__.startswith("polars."):
            return ""  # polars writes parquet of its own, which says all that it knows
        return _of_arrow(to_storable_table(table), path)
    except Exception as error:  # noqa: BLE001 - it is written; whether it is the same is not known
        return f"what is in the file can't be read back ({type(error).__name__})"


def _of_arrow(table: Any, path: Path) -> str:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        read = pq.read_schema(file)
    for before, after in zip(table.schema, read, strict=True):
        if before.type != after.type:
            return f"{_named(before.name)} becomes {after.type}"
    return ""


def _of_pandas(frame: Any, path: Path) -> Iterator[str]:
    empty = _without_rows(path)
    if not _are_same(dict(frame.attrs), dict(empty.attrs)):
        yield "its attrs are others"
    if not frame.flags.allows_duplicate_labels:
        yield "its labels may be there twice"
    yield from _of_labels(frame.columns, empty.columns)
    yield from _of_index(frame.index, empty.index)
    if getattr(frame.index, "freq", None) is not None and frame.index.dtype.kind in "mM":
        yield "its index has no frequency"
    for place, (before, after) in enumerate(zip(frame.dtypes, empty.dtypes, strict=True)):
        name = _named(frame.columns[place])
        if _is_category(before):
            if not _same_categories(frame.iloc[:, place], path, place):
                yield f"{name} has other categories"
        elif _is_object(before):
            yield from (f"{name} {what}" for what in _of_objects(frame, after, path, place))
        elif not _are_same_dtype(before, after):
            yield f"{name} becomes {after}"


def _without_rows(path: Path) -> Any:
    """Return the frame that is read back, as it would be without rows: all its types are there."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        schema = pq.read_schema(file)
    empty = io.BytesIO()
    pq.write_table(schema.empty_table(), empty)
    return pd.read_parquet(empty, engine="pyarrow")


def _of_labels(before: Any, after: Any) -> Iterator[str]:
    if before.nlevels != after.nlevels or not _are_alike(before, after):
        yield f"its column names become {after.dtype}"
    elif list(before.names) != list(after.names) or list(before) != list(after):
        yield "its column names are others"


def _of_index(before: Any, after: Any) -> Iterator[str]:
    import pandas as pd  # noqa: PLC0415

    if list(before.names) != list(after.names):
        yield "its index has another name"
    if isinstance(before, pd.MultiIndex) or isinstance(after, pd.MultiIndex):
        if before.nlevels != after.nlevels:
            yield "its index has other levels"
            return
        for one, other in zip(before.levels, after.levels, strict=True):
            yield from _of_index(one, other)
    elif _is_category(before.dtype):
        # Without rows there are no categories; those that are text are kept.
        if not _is_category(after.dtype) or not _is_text(before.categories):
            yield "its index has other categories"
    elif not _are_alike(before, after):
        yield f"its index becomes {after.dtype}"
    elif _is_object(before.dtype) and not _is_exact(before):
        yield "its index has objects that may be others"


def _are_alike(before: Any, after: Any) -> bool:
    """Whether labels are of one type; pandas 2 takes objects for texts, pandas 3 reads texts."""
    import pandas as pd  # noqa: PLC0415

    if _is_object(before.dtype) and isinstance(after.dtype, pd.StringDtype):
        return _is_text(before)
    return _are_same_dtype(before.dtype, after.dtype)


def _are_same_dtype(before: Any, after: Any) -> bool:
    """Whether types are the same; where texts are kept is a matter of who reads them."""
    import pandas as pd  # noqa: PLC0415

    if isinstance(before, pd.StringDtype) and isinstance(after, pd.StringDtype):
        return repr(before.na_value) == repr(after.na_value)
    return type(before) is type(after) and bool(before == after)


def _same_categories(before: Any, path: Path, place: int) -> bool:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as file:
        name = pq.read_schema(file).names[place]
        after = pq.read_table(file, columns=[name]).to_pandas().iloc[:, 0]
    return bool(
        _is_category(after.dtype)
        and before.dtype.ordered == after.dtype.ordered
        and _are_alike(before.cat.categories, after.cat.categories)
        and list(before.cat.categories) == list(after.cat.categories)
        and (before.cat.codes.to_numpy() == after.cat.codes.to_numpy()).all()
    )


def _of_objects(frame: Any, after: Any, path: Path, place: int) -> Iterator[str]:
    """Yield what of a column of Python objects is not read back as it was."""
    import pandas as pd  # noqa: PLC0415

    column = frame.iloc[:, place]
    found = pd.api.types.infer_dtype(column, skipna=True)
    # Truth values and None stay objects; without rows that is not to be seen.
    stays = found == "string" or (found == "boolean" and column.isna().any())
    if not _is_object(after) and not stays:
        yield f"becomes {after}"
    elif found not in _EXACT_CELLS:
        left = CELLS_LIMIT
        for one, other in zip(column, _cells_of(path, place), strict=True):
            left -= 1 + (len(one) if isinstance(one, (dict, list, tuple, set)) else 0)
            if left < 0:
                yield "has more cells than are compared"
                return
            if not _are_same(one, other):
                yield f"has cells of the type {type(one).__name__} that are read back as others"
                return


def _cells_of(path: Path, place: int) -> Iterator[Any]:
    """Yield the cells of a column of a parquet file, of which few are in memory at a time."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    with path.open("rb") as source, pq.ParquetFile(source) as file:
        name = file.schema_arrow.names[place]
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[name]):
            yield from batch.column(0).to_pandas()


def _are_same(one: Any, other: Any, depth: int = 0) -> bool:
    """Whether two cells are the same, their types included; what is missing is missing."""
    import numpy as np  # noqa: PLC0415

    if _is_missing(one) and _is_missing(other):
        return True
    if type(one) is not type(other) or depth == _DEPTH_LIMIT:
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and _are_all_same(one.values(), other.values(), depth)
    if isinstance(one, np.ndarray) and one.dtype != object:
        floats = one.dtype.kind in "fc"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=floats)
    if isinstance(one, (list, tuple, np.ndarray)):
        return _are_all_same(one, other, depth)
    return bool(one == other)


def _are_all_same(some: Collection[Any], others: Collection[Any], depth: int) -> bool:
    return len(some) == len(others) and all(
        _are_same(one, other, depth + 1) for one, other in zip(some, others, strict=True)
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


def _named(label: Any) -> str:
    text = str(label)
    return f"column {text if len(text) <= _NAME_LIMIT else text[:_NAME_LIMIT] + '...'!r}"
