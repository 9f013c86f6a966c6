"""The items of foreachs: what `self.input` was in each task, if it is a plain value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mfwb.conversion.inspector_child import Inspect, inspect_here
from mfwb.conversion.json_safe import json_size
from mfwb.payload.parameters import decode_artifacts
from mfwb.planning import Content
from mfwb.planning.classify import can_be_value
from mfwb.ports import Contents
from mfwb.snapshot import ArtifactRef, FlowRun, ForeachFrame, Task

__all__ = ["add_foreach_items"]

ITEM_LIMIT = 1_000
"""Characters of JSON; a longer item is only in the artifact with all items."""

_SEQUENCES = frozenset({"list", "tuple", "range", "builtins.list", "builtins.tuple"})
_RANGE = re.compile(r"range\((-?\d+), (-?\d+)(?:, (-?\d+))?\)")


def add_foreach_items(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with the item of each foreach frame, where it is a plain value.

    Metaflow records only the index. The items are those of the artifact that the foreach iterates
    over, in the task that began it.
    """
    if not any(task.foreach for task in flow_run.tasks):
        return flow_run
    lists = _find_lists(flow_run)
    wanted = [content for content in lists.values() if content is not None]
    values = decode_artifacts(wanted, contents, inspect)
    items = {
        key: _as_list(values[content.sha1])
        for key, content in lists.items()
        if content is not None and content.sha1 in values
    }
    steps = (
        replace(step, tasks=tuple(_with_items(task, items) for task in step.tasks))
        for step in flow_run.steps
    )
    return replace(flow_run, steps=tuple(steps))


_Key = tuple[str, tuple[int, ...]]
"""The first step of a foreach, and the indices of the foreachs around it."""


def _find_lists(flow_run: FlowRun) -> dict[_Key, Content | None]:
    """Return the artifact that each foreach iterates over; None if it can't be shown.

    If a step ran several times at one position, as in a recursion, these have to agree.
    """
    lists: dict[_Key, Content | None] = {}
    for task in flow_run.tasks:
        if task.transition is None or not task.transition.foreach:
            continue
        ref = task.artifact(task.transition.foreach)
        content = None if ref is None else _content_of(task, ref)
        for step in task.transition.steps:
            key = (step, tuple(frame.index for frame in task.foreach))
            known = lists.setdefault(key, content)
            if known is not None and (content is None or content.sha1 != known.sha1):
                lists[key] = None
    return lists


def _content_of(task: Task, ref: ArtifactRef) -> Content | None:
    if ref.type not in _SEQUENCES or not can_be_value(ref):
        return None
    return Content(task.pathspec, ref.name, ref.sha1, ref.size)


def _levels(task: Task) -> Iterator[tuple[_Key, ForeachFrame]]:
    indices = tuple(frame.index for frame in task.foreach)
    for depth, frame in enumerate(task.foreach):
        yield (frame.step, indices[:depth]), frame


def _with_items(task: Task, items: Mapping[_Key, Sequence[Any]]) -> Task:
    if not task.foreach or task.is_control:
        return task
    frames = (_with_item(frame, items.get(key, ())) for key, frame in _levels(task))
    return replace(task, foreach=tuple(frames))


def _with_item(frame: ForeachFrame, items: Sequence[Any]) -> ForeachFrame:
    if not 0 <= frame.index < len(items):
        return frame
    item = items[frame.index]
    return frame if json_size(item) > ITEM_LIMIT else replace(frame, item=item, has_item=True)


def _as_list(value: Any) -> Sequence[Any]:
    """Return a decoded list or range; an empty list for anything else."""
    if isinstance(value, list):
        return value
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return []
    numbers = [int(number) for number in match.groups() if number is not None]
    return range(*numbers)
