"""Rows of history, by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["merge_rows"]

_OF_WANDB = frozenset({"_step", "_runtime", "_timestamp"})


def merge_rows(
    rows: Iterable[Mapping[str, Any]],
) -> tuple[dict[int, dict[str, Any]], tuple[int, ...]]:
    """Return the rows by step, and the steps that have more than one; the first one counts."""
    by_step: dict[int, dict[str, Any]] = {}
    repeated: dict[int, None] = {}
    for row in rows:
        step = int(row.get("_step", -1))
        values = {key: value for key, value in row.items() if key not in _OF_WANDB}
        if step in by_step:
            repeated[step] = None
            by_step[step] = {**values, **by_step[step]}
        else:
            by_step[step] = values
    return by_step, tuple(sorted(repeated))
