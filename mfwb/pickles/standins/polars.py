"""Stand-ins for the tables of polars, which pickles as Arrow's streams; polars is not needed."""

from __future__ import annotations

from typing import Any

from mfwb.pickles.standins.arrow import check_array, expected

__all__ = ["Frame", "Series"]


class Series:
    """What polars pickles as a Series: `table` has one column, of its name."""

    __slots__ = ("table",)

    def __setstate__(self, state: Any) -> None:
        table = _read(state)
        if table.num_columns != 1:
            raise ValueError(f"a Series of {table.num_columns} columns")
        self.table = table


class Frame:
    """What polars pickles as a DataFrame."""

    __slots__ = ("table",)

    def __setstate__(self, state: Any) -> None:
        # polars 1.10 writes a list of Series, 1.20 a stream.
        self.table = _joined(state) if isinstance(state, list) else _read(state)


def _read(stream: Any) -> Any:
    """Return the table in the bytes of a stream; nothing in it is trusted."""
    import pyarrow as pa  # noqa: PLC0415

    with pa.ipc.open_stream(expected(stream, bytes)) as reader:
        table = reader.read_all()
    table.validate()
    for column in table.columns:
        for chunk in column.chunks:
            check_array(chunk)
    table.validate(full=True)
    # Its metadata is a promise of polars to itself, as that a column is sorted.
    return table.replace_schema_metadata(None)


def _joined(columns: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    tables = [expected(one, Series).table for one in columns]
    schema = pa.schema([table.schema.field(0) for table in tables])
    if len(set(schema.names)) < len(schema.names):
        raise ValueError("two columns of one name")
    table = pa.Table.from_arrays([table.column(0) for table in tables], schema=schema)
    table.validate()
    return table
