"""Values of tasks -> the table of tasks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mfwb.conversion.json_safe import json_text_again, to_json
from mfwb.free_names import free_name
from mfwb.payload.values import Value, Values
from mfwb.planning import PlannedRun, TaskRow
from mfwb.ports import ReadyTable

__all__ = ["build_task_table", "list_foreach_columns"]

_FOREACH_COLUMNS = 100
"""Columns for foreach items: a dict with more keys than that is no setting of a sweep."""


def build_task_table(run: PlannedRun, values: Values) -> ReadyTable | None:
    """Return the table of tasks, one row per task; None for a W&B run of a single task."""
    if not run.merged:
        return None
    own = ["index", "task", "state", "seconds"]
    failed = any(task.failure is not None for task in run.tasks)
    if failed:
        own.append("exception")
    levels = list_foreach_columns(task.foreach for task in run.tasks)
    own += levels
    taken, columns = set(own), []
    for key in values:
        columns.append(free_name(key, taken))
        taken.add(columns[-1])
    return ReadyTable(
        columns=(*own, *columns),
        rows=tuple(_row(task, values, levels, failed=failed) for task in run.tasks),
    )


def list_foreach_columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns for foreach indices and items that tasks need, as many as W&B shows."""
    return list(dict.fromkeys(name for facts in rows for name in facts))[:_FOREACH_COLUMNS]


def _row(task: TaskRow, values: Values, levels: Sequence[str], *, failed: bool) -> tuple[Any, ...]:
    own = [task.label, task.pathspec, task.state, task.seconds]
    if failed:
        own.append(task.failure)
    own += [task.foreach.get(name) for name in levels]
    return (*own, *(_cell(of_tasks.get(task.pathspec)) for of_tasks in values.values()))


def _cell(value: Value | None) -> Any:
    if value is None:
        return None
    if isinstance(value.json, (dict, list)):
        return json_text_again(value.json)
    return to_json(value.json)
