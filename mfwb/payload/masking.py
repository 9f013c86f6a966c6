"""Values and losses of a W&B run without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mfwb.payload.values import Value, Values
from mfwb.planning import PlannedValue
from mfwb.redaction import Masked, Masker
from mfwb.snapshot import Loss

__all__ = ["mask_losses", "mask_values"]


def mask_values(
    values: Values, planned: Sequence[PlannedValue], masker: Masker
) -> tuple[Values, list[Masked]]:
    """Return the values of tasks without secrets, and the artifacts that have some.

    Tasks with the same value still share one object.

    Args:
        values: by key and task.
        planned: the artifacts that they come from.
        masker: knows what a secret is.
    """
    if not masker.enabled:
        return values, []
    names = {
        (value.key, content.task): content.name for value in planned for content in value.contents
    }
    done: dict[tuple[str, int], tuple[Value, int]] = {}
    masked: list[Masked] = []
    result: Values = {}
    for key, of_tasks in values.items():
        result[key] = {}
        for task, value in of_tasks.items():
            name = names.get((key, task))
            if name is None:  # the text of an artifact that is elsewhere; facts are masked already
                result[key][task] = value
                continue
            if (name, id(value)) not in done:
                done[name, id(value)] = _mask_value(name, value, masker)
            result[key][task], marks = done[name, id(value)]
            if marks:
                masked.append(Masked(f"{task}/{name}", marks))
    return result, masked


def _mask_value(name: str, value: Value, masker: Masker) -> tuple[Value, int]:
    json_value, marks = masker.mask_value(name, value.json)
    return (Value(json_value) if marks else value), marks


def mask_losses(losses: Iterable[Loss], masker: Masker) -> tuple[Loss, ...]:
    """Return losses without secrets in their reasons, which may quote a value."""
    return tuple(Loss(loss.item, masker.mask_text(loss.reason)) for loss in losses)
