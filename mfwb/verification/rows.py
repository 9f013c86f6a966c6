"""Rows of history, by step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

__all__ = ["merge_rows"]

_OF_WANDB = frozenset({"_step", "_runtime", "_timestamp"})


def merge_rows(
    rows: Iterable[Mapping[str, Any]],
    positions: Collection[str] = (),
) -> tuple[dict[int, dict[str, Any]], tuple[int, ...]]:
    """Return the rows by step, and the steps of which rows repeat a value; the first one counts.

    Args:
        rows: in W&B's order.
        positions: names of x axes, which each row with a point repeats.
    """
    by_step: dict[int, dict[str, Any]] = {}
    repeated: dict[int, None] = {}
    for row in rows:
        step = int(row.get("_step", -1))
        values = {key: value for key, value in row.items() if key not in _OF_WANDB}
        if step in by_step:
            if not values or values.keys() & by_step[step].keys() - {*positions}:
                repeated[step] = None
            by_step[step] = {**values, **by_step[step]}
        else:
            by_step[step] = values
    return by_step, tuple(sorted(repeated))
