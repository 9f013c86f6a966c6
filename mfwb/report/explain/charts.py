"""The charts and table columns that show a value beside the summary."""

from __future__ import annotations

from mfwb.pipeline.explain import Replayed
from mfwb.planning.artifact_keys import keys_of

__all__ = ["charts_of", "columns_of", "why_no_chart"]

_OF_EVERY_TASK = frozenset({"tasks/index", "tasks/seconds"})
_OF_EVERY_ROW = frozenset({"index", "task", "state", "seconds", "exception"})


def charts_of(replayed: Replayed) -> list[str]:
    """Return the names of the charts that show the artifact, without their x axes."""
    names = {name: None for _, row in replayed.ready.history for name in row}
    axes = {axis.axis for axis in replayed.ready.axes}
    return [name for name in names if name not in _OF_EVERY_TASK | axes]


def columns_of(replayed: Replayed) -> list[str]:
    """Return the columns that the artifact has in the table of tasks."""
    table = replayed.ready.table
    if table is None:
        return []
    of_foreachs = {name for task in replayed.planned.tasks for name in task.foreach}
    others = _OF_EVERY_ROW | of_foreachs
    return [name for name in table.columns if name not in others]


def why_no_chart(replayed: Replayed) -> str | None:
    """Return why a list, dict or table is no chart, if it may have been one; else None."""
    run = replayed.planned
    keys = keys_of(run)
    if charts_of(replayed):
        return None
    if keys & {*run.iterated}:
        return "none: a foreach iterates over it"
    if keys & {*run.no_curves}:
        return "none: excluded by the setting curves"
    if run.curves:
        return "none: it is no curve, or one of too many numbers or tasks"
    return None
