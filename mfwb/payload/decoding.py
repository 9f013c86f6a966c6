"""The plain values of one W&B run, out of their pickles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from mfwb import pickles
from mfwb.config import Unpickle
from mfwb.errors import ItemLost
from mfwb.payload.jsonsafe import to_json
from mfwb.payload.loading import load_each
from mfwb.payload.members import VALUES
from mfwb.planning import Content, PlannedValue
from mfwb.ports import Contents
from mfwb.snapshot import Loss

__all__ = ["Number", "Value", "Values", "decode", "decode_values", "is_number"]

CURVE_LIMIT = 100_000
"""Points; a longer list is not drawn."""

TOTAL_LIMIT = 256_000_000
"""Bytes of the pickled values of one W&B run; more would not fit into memory or W&B."""

_ALLOWED: dict[Unpickle, pickles.Allowed] = {
    "safe": VALUES,
    "trusted": VALUES,  # nothing that is plain needs more
    "never": {},
}
_REASON_LIMIT = 500  # characters; an error can repeat all that it was given

Number = int | float


@dataclass(frozen=True, slots=True)
class Value:
    """A value of one task in JSON types, where NaN and infinities are still floats."""

    json: Any
    is_series: bool = False  # a list of numbers that can be drawn

    @property
    def number(self) -> Number | None:
        """The value if it is a number."""
        return self.json if is_number(self.json) else None


Values = dict[str, dict[str, Value]]
"""By key, then by pathspec of the task."""


def is_number(value: Any) -> TypeGuard[Number]:
    """Whether a value is an int or a float; a bool is none here."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def decode_values(
    planned: Sequence[PlannedValue], contents: Contents, unpickle: Unpickle = "safe"
) -> tuple[Values, list[Loss]]:
    """Return values of all tasks of a W&B run, and those that can't be had."""
    wanted, losses = _within_limit(planned)
    outcomes = {
        content.sha1: _outcome(data, unpickle)
        for content, data in load_each((content for _, content in wanted), contents)
    }
    values: Values = {}
    for key, content in wanted:
        outcome = outcomes[content.sha1]
        if isinstance(outcome, Value):
            values.setdefault(key, {})[content.task] = outcome
        else:
            losses.append(Loss(content.pathspec, outcome))
    return values, losses


def decode(data: bytes, unpickle: Unpickle = "safe") -> Value:
    """Return a pickled plain value; ItemLost if it can't be had safely.

    Args:
        data: the pickle.
        unpickle: with "never" it may refer to nothing by name, so that only None, bools, numbers,
            text, bytes, and lists, tuples, dicts and sets of these can be had.
    """
    try:
        value = pickles.loads(data, _ALLOWED[unpickle])
        plain = to_json(value, finite=False)
    except ItemLost:
        raise
    except MemoryError:
        raise ItemLost("there is not enough memory for it") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise ItemLost(_reason(error)) from error
    return Value(plain, is_series=isinstance(value, (list, tuple)) and _is_series(plain))


def _outcome(data: bytes | None, unpickle: Unpickle) -> Value | str:
    if data is None:
        return "its bytes can't be had"
    try:
        return decode(data, unpickle)
    except ItemLost as error:
        return str(error)


def _reason(error: Exception) -> str:
    if isinstance(error, pickles.ForbiddenName):
        return str(error)
    said = str(error)
    if len(said) > _REASON_LIMIT:
        said = f"{said[:_REASON_LIMIT]}..."
    return f"its pickle can't be read ({type(error).__name__}: {said})"


def _is_series(value: Sequence[Any]) -> bool:
    return 2 <= len(value) <= CURVE_LIMIT and all(is_number(item) for item in value)  # noqa: PLR2004


def _within_limit(
    planned: Sequence[PlannedValue],
) -> tuple[list[tuple[str, Content]], list[Loss]]:
    wanted, losses, total, seen = [], [], 0, set()
    for key, content in _contents(planned):
        total += 0 if content.sha1 in seen else content.size
        seen.add(content.sha1)
        if total <= TOTAL_LIMIT:
            wanted.append((key, content))
        else:
            reason = f"the values of this W&B run are more than {TOTAL_LIMIT // 1_000_000} MB"
            losses.append(Loss(content.pathspec, reason))
    return wanted, losses


def _contents(planned: Sequence[PlannedValue]) -> Iterator[tuple[str, Content]]:
    for value in planned:
        for content in value.contents:
            yield value.key, content
