"""Stand-ins for tables of polars, which it pickles as Arrow streams; polars is not needed."""

from __future__ import annotations

from typing import Any

from mfwb.pickles.standins.arrow import check_array, expected

__all__ = ["Frame", "Series"]


class Series:
    """Stand-in for a polars Series: `table` has one column, with the name of the Series."""

    __slots__ = ("table",)

    def __setstate__(self, state: Any) -> None:
        table = _read(state)
        if table.num_columns != 1:
            raise ValueError(f"a Series of {table.num_columns} columns")
        self.table = table


class Frame:
    """Stand-in for a polars DataFrame."""

    __slots__ = ("table",)

    def __setstate__(self, state: Any) -> None:
        # polars 1.10 writes a list of Series, 1.20 a stream.
        self.table = _joined(state) if isinstance(state, list) else _read(state)


def _read(stream: Any) -> Any:
    """Return the table in the bytes of an Arrow stream, after all of it is checked."""
    import pyarrow as pa  # noqa: PLC0415

    with pa.ipc.open_stream(expected(stream, bytes)) as reader:
        table = reader.read_all()
    table.validate()
    for column in table.columns:
        for chunk in column.chunks:
            check_array(chunk)
    table.validate(full=True)
    # Its metadata contains assertions of polars, such as that a column is sorted.
    return table.replace_schema_metadata(None)


def _joined(columns: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    tables = [expected(column, Series).table for column in columns]
    schema = pa.schema([table.schema.field(0) for table in tables])
    if len(set(schema.names)) < len(schema.names):
        raise ValueError("two columns of one name")
    table = pa.Table.from_arrays([table.column(0) for table in tables], schema=schema)
    table.validate()
    return table
