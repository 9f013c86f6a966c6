"""Decoding of one plain value from its pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mfwb import pickles
from mfwb.conversion.curve_shapes import Number, find_columns, is_number
from mfwb.conversion.instances import READABLE, VALUES
from mfwb.conversion.json_safe import SIZE_LIMIT, character_limit, to_json
from mfwb.errors import ItemLost

if TYPE_CHECKING:  # at run time it would import pydantic into the process that loads pickles
    from mfwb.config import Unpickle

__all__ = ["Number", "Value", "decode", "is_number"]

_ALLOWED: dict[str, pickles.Allowed] = {
    "safe": VALUES,
    "trusted": VALUES,  # plain values need no more names
    "never": {},
    "shown": READABLE,
}
_REASON_LIMIT = 500  # characters; the text of an error can repeat the whole input


@dataclass(frozen=True, slots=True)
class Value:
    """A value of one task in JSON types, except that all numbers are still numbers."""

    json: Any
    is_curve: bool = False  # lists of numbers that can be shown as charts

    @property
    def number(self) -> Number | None:
        """The value if it is a number."""
        return self.json if is_number(self.json) else None


def decode(data: bytes, unpickle: Unpickle | Literal["shown"] = "safe") -> Value:
    """Return a pickled plain value; ItemLost if it can't be loaded safely.

    Args:
        data: the pickle.
        unpickle: with "never" the pickle may contain no names, which allows only None, bools,
            numbers, text, bytes, and lists, tuples, dicts and sets of these; "shown" also allows
            arrays.
    """
    try:
        value = _load(data, _ALLOWED[unpickle])
        limit = min(SIZE_LIMIT, character_limit(len(data)))
        plain = to_json(value, as_numbers=True, limit=limit)
    except ItemLost:
        raise
    except MemoryError:
        raise ItemLost("there is not enough memory for it") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise ItemLost(_reason(error)) from error
    return Value(plain, is_curve=find_columns(plain) is not None and _has_order(value))


def _load(data: bytes, allowed: pickles.Allowed) -> Any:
    array = pickles.find_plain_array(data)
    if array is not None and all(name in allowed for name in array.names):
        return array
    return pickles.loads(data, allowed)


def _reason(error: Exception) -> str:
    if isinstance(error, pickles.ForbiddenName):
        return str(error)
    text = str(error)
    if len(text) > _REASON_LIMIT:
        text = f"{text[:_REASON_LIMIT]}..."
    return f"its pickle can't be read ({type(error).__name__}: {text})"


def _has_order(value: Any) -> bool:
    """Whether a value has no sets in its lists and dicts: JSON has sets as lists, too."""
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_has_order, value.values()))
    if isinstance(value, (list, tuple)):
        return all(_has_order(item) for item in value if not is_number(item))
    return not isinstance(value, (set, frozenset))
