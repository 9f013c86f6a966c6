"""A look into pickles whose recorded type does not say what they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from mfwb.errors import ItemLost
from mfwb.payload.inspecting import Inspect, Look, inspect_here
from mfwb.payload.inspector import inspect_each
from mfwb.payload.loading import load_each
from mfwb.planning import Content
from mfwb.planning.kinds import wants_a_look
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun, Step, Task

__all__ = ["WHOLE_LIMIT", "look_inside"]

WHOLE_LIMIT = 16_000_000
"""Bytes; of a larger pickle only the beginning is looked at, which can take a second per MB."""

_HEAD = 2_000_000  # bytes

_Names = dict[str, tuple[str, ...]]  # by sha1


def look_inside(flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here) -> FlowRun:
    """Return the flow run with `names` of its artifacts filled in where they are needed."""
    wanted = [
        Content(task.pathspec, ref.name, ref.sha1, ref.size)
        for task in flow_run.tasks
        for ref in task.artifacts
        if wants_a_look(ref)
    ]
    small = [content for content in wanted if content.size <= WHOLE_LIMIT]
    names: _Names = {}
    loaded = load_each(small, contents)
    for content, (found, _) in inspect_each(inspect, Look.NAMES, loaded):
        if found is not None:
            names[content.sha1] = tuple(found)
    large = {content.sha1: content for content in wanted if content.size > WHOLE_LIMIT}
    for content in large.values():
        with suppress(ItemLost):  # it will be a loss when it is wanted
            head = contents.head(content, _HEAD)
            ((found, _),) = inspect(content.flow_run, Look.NAMES_AT_START, [head])
            names[content.sha1] = tuple(found or ())
    if not names:
        return flow_run
    return replace(flow_run, steps=tuple(_step_with(step, names) for step in flow_run.steps))


def _step_with(step: Step, names: _Names) -> Step:
    return replace(step, tasks=tuple(_task_with(task, names) for task in step.tasks))


def _task_with(task: Task, names: _Names) -> Task:
    changes: dict[str, Any] = {
        "artifacts": tuple(
            replace(ref, names=names[ref.sha1]) if ref.sha1 in names and wants_a_look(ref) else ref
            for ref in task.artifacts
        )
    }
    return replace(task, **changes)
