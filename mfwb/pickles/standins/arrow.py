"""Stand-ins for functions that build Arrow tables; they check arguments that Arrow trusts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "buffer",
    "check_array",
    "chunked_array",
    "expected",
    "record_batch",
    "restored_array",
    "schema",
    "table",
]

PART_LIMIT = 10_000
"""Parts of one type or array. A few bytes can repeat one part a billion times by nesting."""

DEPTH_LIMIT = 100
_SCALE_LIMIT = 76
"""Digits of a decimal; converting it creates a number with as many digits as its scale says."""

_LENGTH_LIMIT = 2**40
EMPTY_LIMIT = 10_000_000
"""Items of an array that needs no bytes for them, such as an array of nulls."""


def buffer(data: bytes | bytearray) -> Any:
    """Stand in for `py_buffer`, which would share memory that a pickle can change later."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.py_buffer(bytes(expected(data, bytes, bytearray)))


def restored_array(parts: tuple[Any, ...]) -> Any:
    """Stand in for pyarrow's `_restore_array`, which trusts the offsets in its arguments."""
    import pyarrow as pa  # noqa: PLC0415

    _check_parts(parts)
    _check_like(parts, pa.nulls(0, parts[0]).__reduce__()[1][0])
    array = pa.lib._restore_array(parts)  # noqa: SLF001 - as its pickles do
    array.validate(full=True)
    return array


def chunked_array(chunks: Sequence[Any], type: Any = None) -> Any:  # noqa: A002 - arrow's name
    """Stand in for `chunked_array`, which builds arrays of any argument."""
    import pyarrow as pa  # noqa: PLC0415

    for chunk in expected(chunks, list, tuple):
        expected(chunk, pa.Array)
    if type is not None:
        _check_type(type)
    return pa.chunked_array(chunks, type=type)


def schema(fields: Sequence[Any], metadata: Any = None) -> Any:
    """Stand in for `schema`, which also accepts other objects than fields."""
    import pyarrow as pa  # noqa: PLC0415

    for field in expected(fields, list, tuple):
        _check_type(expected(field, pa.Field).type)
    return pa.schema(fields, metadata=expected(metadata, dict, type(None)))


def table(columns: Sequence[Any], names: Any) -> Any:
    """Stand in for `_reconstruct_table`; all columns must have the same length."""
    import pyarrow as pa  # noqa: PLC0415

    _expect_columns(columns, names, pa.ChunkedArray)
    made = pa.Table.from_arrays(columns, schema=names)
    made.validate()
    return made


def record_batch(columns: Sequence[Any], names: Any) -> Any:
    """Stand in for `_reconstruct_record_batch`; all columns must have the same length."""
    import pyarrow as pa  # noqa: PLC0415

    _expect_columns(columns, names, pa.Array)
    made = pa.RecordBatch.from_arrays(columns, schema=names)
    made.validate()
    return made


def check_array(array: Any) -> None:
    """Raise ValueError if an array has too many parts, or far more items than bytes."""
    _, (parts,) = array.__reduce__()
    _check_parts(parts)


def expected(value: Any, *types: type) -> Any:
    """Return the value if it has one of these types; else TypeError."""
    if not isinstance(value, types):
        raise TypeError(f"unexpected {type(value).__name__}")
    return value


def _expect_columns(columns: Any, names: Any, kind: type) -> None:
    import pyarrow as pa  # noqa: PLC0415

    expected(names, pa.Schema)
    for column in expected(columns, list, tuple):
        expected(column, kind)


def _check_parts(parts: Any) -> None:
    """Raise ValueError if an array has too many parts, or too few bytes for its items."""
    seen = 0
    items = size = 0
    level = [parts]
    for _ in range(DEPTH_LIMIT):
        below: list[Any] = []
        for part in level:
            type_, length, nulls, offset, buffers, children, dictionary = expected(part, tuple)
            _check_type(type_)
            _check_numbers(length, nulls, offset)
            items = max(items, length + offset)
            size += _size(type_, length + offset, expected(buffers, list, tuple))
            seen += 1 + len(expected(children, list, tuple))
            if seen > PART_LIMIT:
                raise ValueError("an array of too many parts")
            below += [*children, *([] if dictionary is None else [dictionary])]
        level = below
    if level:
        raise ValueError("an array that is nested too deeply")
    if items > max(8 * size, EMPTY_LIMIT):
        raise ValueError("an array of more items than it has bytes for")


def _check_numbers(length: Any, nulls: Any, offset: Any) -> None:
    for number, least in ((length, 0), (offset, 0), (nulls, -1)):
        if type(number) is not int or not least <= number < _LENGTH_LIMIT:
            raise ValueError("an array whose length is not valid")
    if nulls > length:
        raise ValueError("an array of more nulls than items")


def _size(type_: Any, items: int, buffers: Sequence[Any]) -> int:
    """Return the number of bytes of an array; ValueError if it is too small for its items."""
    import pyarrow as pa  # noqa: PLC0415

    present = [item for item in buffers if item is not None]
    for item in present:
        expected(item, pa.Buffer)
    if items and buffers:
        if buffers[0] is not None and 8 * buffers[0].size < items:
            raise ValueError("an array whose validity bits are too few")
        if any(item is None for item in buffers[1:]):
            raise ValueError("an array without its data")
        if len(buffers) == _PLAIN_BUFFERS and 8 * buffers[1].size < items * _bits_of(type_):
            raise ValueError("an array without data for all its items")
    return sum(item.size for item in present)


_PLAIN_BUFFERS = 2  # validity and data


def _bits_of(type_: Any) -> int:
    try:
        return int(type_.bit_width)
    except ValueError:  # no fixed width; `validate` checks these types
        return 0


def _check_like(parts: Any, model: Any) -> None:
    """Raise ValueError unless parts have the structure of an array of Arrow, which relies on it."""
    import pyarrow as pa  # noqa: PLC0415

    type_, _, _, _, buffers, children, dictionary = parts
    few = len(model[4])
    is_view = pa.types.is_string_view(type_) or pa.types.is_binary_view(type_)
    if (
        type_ != model[0]
        or not (len(buffers) == few or (is_view and len(buffers) > few))
        or len(children) != len(model[5])
        or (dictionary is None) != (model[6] is None)
    ):
        raise ValueError("an array that does not fit its type")
    for part, like in zip(children, model[5], strict=True):
        _check_like(part, like)
    if pa.types.is_map(type_):
        for _, _, nulls, _, (validity, *_), _, _ in (children[0], children[0][5][0]):
            if nulls or validity is not None:
                raise ValueError("a map of which an entry or a key is null")
    if dictionary is not None:
        _check_like(dictionary, model[6])


def _check_type(type_: Any) -> None:
    """Raise ValueError if a type has too many parts, or is nested too deeply."""
    import pyarrow as pa  # noqa: PLC0415

    seen = 0
    level = [expected(type_, pa.DataType)]
    for _ in range(DEPTH_LIMIT):
        seen += sum(item.num_fields + 1 for item in level)
        if seen > PART_LIMIT:
            raise ValueError("a type of too many parts")
        for item in level:
            _check_size(item)
        level = [part for item in level for part in _types_in(item)]
    if level:
        raise ValueError("a type that is nested too deeply")


def _check_size(type_: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_decimal(type_) and abs(type_.scale) > _SCALE_LIMIT:
        raise ValueError(f"a decimal of {type_.scale:,} digits")
    if pa.types.is_fixed_size_list(type_) and type_.list_size > EMPTY_LIMIT:
        raise ValueError("lists of too many items")
    if pa.types.is_fixed_size_binary(type_) and type_.byte_width < 1:
        raise ValueError("bytes of no width")
    if pa.types.is_dictionary(type_) and not pa.types.is_integer(type_.index_type):
        raise ValueError("a dictionary whose indices are not integers")


def _types_in(type_: Any) -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(type_):
        return [type_.index_type, type_.value_type]
    return [type_.field(index).type for index in range(type_.num_fields)]
