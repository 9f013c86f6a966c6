"""Error messages about values of settings: the setting, and the expected type or range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from pydantic import ValidationError

__all__ = ["describe_error", "describe_expectation", "setting_path"]

_LENGTH_LIMIT = 100  # characters of a value in a message

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
    "is_instance_of": "a list",  # where W&B expects a Sequence
    "list_type": "a list",
    "model_type": "a table",
    "path_type": "a path",
    "sequence_str": "a list",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""Expected types, by pydantic's type of error, with TOML's names."""


def describe_error(error: ValidationError) -> str:
    """Return the first wrong setting, the expected value and the given value."""
    first = error.errors()[0]
    path = setting_path(first["loc"], None)
    return f"{path}: {describe_expectation([first])}, not {_format(first['input'])}"


def describe_expectation(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the expected type or range of a value.

    Args:
        errors: pydantic's errors about one value; one for each type that would be valid.
    """
    types = [_EXPECTED.get(error["type"]) for error in errors]
    if all(types):
        return f"it is {' or '.join(dict.fromkeys(filter(None, types)))}"
    first = next(error for error, name in zip(errors, types, strict=True) if name is None)
    if first["type"] == "extra_forbidden":
        return "there is no such setting"
    message: str = first["msg"]
    return message.removeprefix("Value error, ")


def setting_path(loc: Sequence[int | str], value: Any) -> str:
    """Return the dotted name of a setting, as `a.b`.

    Args:
        loc: pydantic's location, which also has names of types if several types are valid.
        value: the value of the first part, which shows what is a name of a type; None: `loc` has
            no names of types.
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
