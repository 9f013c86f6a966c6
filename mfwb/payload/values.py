"""Plain values of one W&B run, decoded from their pickles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mfwb.config import Unpickle
from mfwb.conversion.inspector_child import Answer, Inspection
from mfwb.conversion.plain_values import Number, Value, decode, is_number
from mfwb.payload.inspections import Inspections
from mfwb.planning import Content, PlannedValue
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
    "look_at_values",
    "merge_readable",
]

TOTAL_LIMIT = 256_000_000
"""Bytes of the pickled values of one W&B run; more would not fit into memory or W&B."""

Values = dict[str, dict[str, Value]]
"""By key, then by pathspec of the task."""


def decode_readable(planned: Sequence[PlannedValue], inspections: Inspections) -> Values:
    """Return readable forms of artifacts that are not plain values; their losses are elsewhere."""
    wanted, _ = _within_limit(planned)
    values, _ = _decoded(wanted, Inspection.SHOWN, inspections)
    for value in planned:
        for other in value.elsewhere:  # their text is known without their bytes
            values.setdefault(value.key, {})[other.content.task] = Value(other.text)
    return values


def decode_values(
    planned: Sequence[PlannedValue], inspections: Inspections, unpickle: Unpickle = "safe"
) -> tuple[Values, list[Loss]]:
    """Return the values of all tasks of a W&B run, and the losses."""
    wanted, losses = _within_limit(planned)
    values, decoding_losses = _decoded(wanted, look_at_values(unpickle), inspections)
    return values, [*losses, *decoding_losses]


def look_at_values(unpickle: Unpickle) -> Inspection:
    """Return the inspection that decodes plain values."""
    return Inspection.VALUE_WITHOUT_NAMES if unpickle == "never" else Inspection.VALUE


def merge_readable(values: Values, shown: Values) -> Values:
    """Return the values of tasks, with readable forms of artifacts added or in their place."""
    keys = {**values, **shown}
    return {key: {**values.get(key, {}), **shown.get(key, {})} for key in keys}


def _decoded(
    wanted: Sequence[tuple[str, Content]], look: Inspection, inspections: Inspections
) -> tuple[Values, list[Loss]]:
    losses = []
    inspected = inspections.of(look, (content for _, content in wanted))
    outcomes = {content.sha1: _outcome(answer) for content, answer in inspected}
    values: Values = {}
    for key, content in wanted:
        outcome = outcomes[content.sha1]
        if isinstance(outcome, Value):
            values.setdefault(key, {})[content.task] = outcome
        else:
            losses.append(Loss(content.pathspec, outcome))
    return values, losses


def add_elsewhere_texts(planned: Sequence[PlannedValue], values: Values) -> Values:
    """Return the values, plus texts for tasks that have another kind of artifact of that name.

    Without these texts, the values of some tasks would look like the values of all tasks.
    """
    return values | {
        value.key: {
            **values[value.key],
            **{other.content.task: Value(other.text) for other in value.elsewhere},
        }
        for value in planned
        if value.elsewhere and value.key in values
    }


def _outcome(answer: Answer) -> Value | str:
    json_value, reason = answer
    if json_value is None:
        return str(reason)
    json, is_curve = json_value
    return Value(json, is_curve=is_curve is True)


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
