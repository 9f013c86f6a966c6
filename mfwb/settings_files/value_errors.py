"""Complaints about values of settings: which setting it is, and what is expected there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from pydantic import ValidationError

__all__ = ["describe_error", "describe_expectation", "setting_path"]

_LENGTH_LIMIT = 100  # characters of a value in a complaint

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dataclass_type": "a table",
    "dict_type": "a table",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "is_instance_of": "a list",  # where W&B asks for a Sequence
    "list_type": "a list",
    "model_type": "a table",
    "path_type": "a path",
    "sequence_str": "a list",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""What pydantic's kinds of errors say of a value's type, in the words of TOML."""


def describe_error(error: ValidationError) -> str:
    """Return the place of the first value that is wrong, what is expected, and what is there."""
    first = error.errors()[0]
    path = setting_path(first["loc"], None)
    return f"{path}: {describe_expectation([first])}, not {_format(first['input'])}"


def describe_expectation(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what is expected of a value.

    Args:
        errors: pydantic's, about one value; where several types would do, one for each.
    """
    types = [_EXPECTED.get(one["type"]) for one in errors]
    if all(types):
        return f"it is {' or '.join(dict.fromkeys(filter(None, types)))}"
    first = next(one for one, known in zip(errors, types, strict=True) if known is None)
    if first["type"] == "extra_forbidden":
        return "there is no such setting"
    message: str = first["msg"]
    return message.removeprefix("Value error, ")


def setting_path(loc: Sequence[int | str], value: Any) -> str:
    """Return where a value is, as `a.b`.

    Args:
        loc: pydantic's, in which there are also names of types where several would do.
        value: that of the first part, by which these are told apart; None: there are no such names.
    """
    return ".".join([str(loc[0]), *_parts(loc[1:], value)])


def _parts(loc: Sequence[int | str], value: Any) -> Iterator[str]:
    inner = value
    for part in loc:
        if value is None:
            yield str(part)
            continue
        is_key = isinstance(inner, Mapping) and part in inner
        if is_key or (isinstance(part, int) and isinstance(inner, (list, tuple))):
            inner = inner[part]
            yield str(part)


def _format(value: Any) -> str:
    shown = value.isoformat() if isinstance(value, (date, time)) else repr(value)
    return shown if len(shown) <= _LENGTH_LIMIT else f"{shown[:_LENGTH_LIMIT]}..."
