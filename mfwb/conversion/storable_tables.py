"""Conversion of Arrow tables to types that parquet can store."""

from __future__ import annotations

from typing import Any

__all__ = ["to_storable_table"]


def to_storable_table(table: Any) -> Any:
    """Return a table whose categories are plain text; polars has string views as categories.

    Arrow can write columns of string views to parquet, but not categories of that type. Values,
    names and metadata stay the same.
    """
    import pyarrow as pa  # noqa: PLC0415

    fields = [_storable_field(field) for field in table.schema]
    schema = pa.schema(fields, metadata=table.schema.metadata)
    return table if schema.equals(table.schema) else table.cast(schema)


def _storable_field(field: Any) -> Any:
    return field.with_type(_storable_type(field.type))


def _storable_type(kind: Any) -> Any:
    """Return a type with plain text as categories; handles only the types that polars has."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
        return pa.dictionary(kind.index_type, pa.large_string(), ordered=kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([_storable_field(kind.field(index)) for index in range(kind.num_fields)])
    if pa.types.is_large_list(kind):
        return pa.large_list(_storable_field(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_storable_field(kind.value_field), kind.list_size)
    return kind
