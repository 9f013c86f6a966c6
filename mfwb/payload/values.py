"""The plain values of one W&B run, out of their pickles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mfwb.config import Unpickle
from mfwb.conversion.inspector import inspect_each
from mfwb.conversion.inspector_child import Answer, Inspect, Inspection, inspect_here
from mfwb.conversion.plain_values import Number, Value, decode, is_number
from mfwb.payload.batches import load_each
from mfwb.planning import Content, PlannedValue
from mfwb.ports import Contents
from mfwb.snapshot import Loss

__all__ = [
    "Number",
    "Value",
    "Values",
    "add_elsewhere_texts",
    "decode",
    "decode_readable",
    "decode_values",
    "is_number",
    "merge_readable",
]

TOTAL_LIMIT = 256_000_000
"""Bytes of the pickled values of one W&B run; more would not fit into memory or W&B."""

Values = dict[str, dict[str, Value]]
"""By key, then by pathspec of the task."""


def decode_readable(
    planned: Sequence[PlannedValue], contents: Contents, inspect: Inspect = inspect_here
) -> Values:
    """Return what can be read of artifacts that are more than values; they have their losses."""
    wanted, _ = _within_limit(planned)
    values, _ = _decoded(wanted, Inspection.SHOWN, contents, inspect)
    for one in planned:
        for other in one.elsewhere:  # of which it is known without them
            values.setdefault(one.key, {})[other.content.task] = Value(other.text)
    return values


def decode_values(
    planned: Sequence[PlannedValue],
    contents: Contents,
    unpickle: Unpickle = "safe",
    inspect: Inspect = inspect_here,
) -> tuple[Values, list[Loss]]:
    """Return values of all tasks of a W&B run, and those that can't be had."""
    wanted, losses = _within_limit(planned)
    look = Inspection.VALUE_WITHOUT_NAMES if unpickle == "never" else Inspection.VALUE
    values, lost = _decoded(wanted, look, contents, inspect)
    return values, [*losses, *lost]


def merge_readable(told: Values, shown: Values) -> Values:
    """Return what is told of tasks, with what can be read of their artifacts where it can be."""
    return {key: {**told.get(key, {}), **shown.get(key, {})} for key in {**told, **shown}}


def _decoded(
    wanted: Sequence[tuple[str, Content]], look: Inspection, contents: Contents, inspect: Inspect
) -> tuple[Values, list[Loss]]:
    losses = []
    loaded = load_each((content for _, content in wanted), contents)
    outcomes = {
        content.sha1: _outcome(answer) for content, answer in inspect_each(inspect, look, loaded)
    }
    values: Values = {}
    for key, content in wanted:
        outcome = outcomes[content.sha1]
        if isinstance(outcome, Value):
            values.setdefault(key, {})[content.task] = outcome
        else:
            losses.append(Loss(content.pathspec, outcome))
    return values, losses


def add_elsewhere_texts(planned: Sequence[PlannedValue], values: Values) -> Values:
    """Return values, and what stands for that of tasks which have something else of the name.

    Without it, what the others have would look like what all have.
    """
    return values | {
        one.key: {
            **values[one.key],
            **{other.content.task: Value(other.text) for other in one.elsewhere},
        }
        for one in planned
        if one.elsewhere and one.key in values
    }


def _outcome(answer: Answer) -> Value | str:
    found, reason = answer
    if found is None:
        return str(reason)
    json, is_series = found
    return Value(json, is_series=is_series is True)


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
