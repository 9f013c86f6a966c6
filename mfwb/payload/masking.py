"""Values, tables, losses and JSON files of a W&B run without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mfwb.payload.values import Value, Values
from mfwb.planning import PlannedValue
from mfwb.ports import ReadyTable
from mfwb.redaction import Masked, Masker
from mfwb.snapshot import Loss

__all__ = ["mask_json_file", "mask_losses", "mask_table", "mask_values"]


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
    return (Value(json_value, is_series=value.is_series) if marks else value), marks


def mask_table(table: ReadyTable, masker: Masker) -> tuple[ReadyTable, int]:
    """Return a table without secrets, and how many of its cells have some."""
    if not masker.enabled:
        return table, 0
    marks, rows = 0, []
    for row in table.rows:
        cells = [
            masker.mask_value(name, cell) for name, cell in zip(table.columns, row, strict=True)
        ]
        marks += sum(number for _, number in cells)
        rows.append(tuple(cell for cell, _ in cells))
    return (replace(table, rows=tuple(rows)) if marks else table), marks


def mask_losses(losses: Iterable[Loss], masker: Masker) -> tuple[Loss, ...]:
    """Return losses without secrets in their reasons, which may quote a value."""
    return tuple(Loss(loss.item, masker.mask_text(loss.reason)) for loss in losses)


def mask_json_file(name: str, path: Path, masker: Masker) -> tuple[Any, int]:
    """Return the masked content of a JSON file, and how many of its texts have a secret.

    Nearly all files have none: then the content is not even parsed, and None is returned for it.
    """
    if not masker.enabled or not masker.is_candidate(name, path.read_text(encoding="ascii")):
        return None, 0
    return masker.mask_value(name, json.loads(path.read_text(encoding="ascii")))
