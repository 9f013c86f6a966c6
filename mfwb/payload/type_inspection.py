"""Inspection of pickles whose recorded type is not specific enough."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mfwb.conversion.inspector import inspect_each
from mfwb.conversion.inspector_child import Inspect, Inspection, inspect_here
from mfwb.errors import ItemLost
from mfwb.media_formats import HEAD, format_of_bytes, format_of_text
from mfwb.payload.batches import load_each
from mfwb.pickles.leading_content import leading_content
from mfwb.planning import Content
from mfwb.planning.classify import can_be_value, needs_inspection, needs_look_at_start
from mfwb.planning.size_limits import ALWAYS_FITS
from mfwb.ports import Contents
from mfwb.snapshot import ArtifactRef, FlowRun, Step, Task

__all__ = ["WHOLE_LIMIT", "inspect_types"]

WHOLE_LIMIT = 16_000_000
"""Bytes; of a larger pickle only the beginning is read: inspection can take a second per MB."""

_HEAD = 2_000_000  # bytes

_Facts = dict[str, dict[str, Any]]
"""Fields of an `ArtifactRef` by sha1."""


def inspect_types(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with details of its artifacts that their types do not reveal."""
    flow_run = _with(flow_run, _formats_of(flow_run, contents))
    wanted = [
        Content(task.pathspec, ref.name, ref.sha1, ref.size)
        for task in flow_run.tasks
        for ref in task.artifacts
        if needs_inspection(ref)
    ]
    facts: _Facts = {}
    small = load_each([content for content in wanted if content.size <= WHOLE_LIMIT], contents)
    for content, (inspected, _) in inspect_each(inspect, Inspection.INSIDE, small):
        if inspected is not None:
            facts[content.sha1] = {
                "names": tuple(inspected["names"]),
                "only_named": tuple(inspected["only_named"]),
                "characters": inspected["size"],
                "no_value": inspected["no_value"] or "",
                "is_relative": inspected["is_relative"],
            }
    large = {content.sha1: content for content in wanted if content.size > WHOLE_LIMIT}
    for content in large.values():
        with suppress(ItemLost):  # reported as a loss later, when the artifact is read
            head = contents.head(content, _HEAD)
            ((names, _),) = inspect(content.flow_run, Inspection.NAMES_AT_START, [head])
            facts[content.sha1] = {"names": tuple(names or ())}
    return _with_sizes(_with(flow_run, facts), contents, inspect)


def _formats_of(flow_run: FlowRun, contents: Contents) -> _Facts:
    """Return the formats of bytes and texts that are whole files, from their first bytes alone."""
    wanted = {
        ref.sha1: Content(task.pathspec, ref.name, ref.sha1, ref.size)
        for task in flow_run.tasks
        for ref in task.artifacts
        if needs_look_at_start(ref)
    }
    small = [content for content in wanted.values() if content.size <= _HEAD]
    heads = {content.sha1: data for content, data in load_each(small, contents)}
    for content in wanted.values():
        if content.size > _HEAD:
            with suppress(ItemLost):  # reported as a loss later, when the artifact is read
                heads[content.sha1] = contents.head(content, 2 * HEAD)
    facts: _Facts = {}
    for sha1, data in heads.items():
        start = None if data is None else leading_content(data[: 2 * HEAD])
        known = format_of_text(start) if isinstance(start, str) else format_of_bytes(start or b"")
        if known is not None:
            facts[sha1] = {"media": known}
    return facts


def _with_sizes(flow_run: FlowRun, contents: Contents, inspect: Inspect) -> FlowRun:
    """Return the flow run with the sizes of values that may be too large for a summary."""
    wanted = []
    for task in flow_run.tasks:
        values = [ref for ref in task.artifacts if can_be_value(ref) and not ref.no_value]
        if sum(ref.characters or ref.size for ref in values) > ALWAYS_FITS:
            unknown = (ref for ref in values if ref.characters is None)
            wanted += [Content(task.pathspec, ref.name, ref.sha1, ref.size) for ref in unknown]
    if not wanted:
        return flow_run
    sized = inspect_each(inspect, Inspection.SIZE, load_each(wanted, contents))
    facts: _Facts = {
        content.sha1: {"characters": size} for content, (size, _) in sized if size is not None
    }
    return _with(flow_run, facts)


def _with(flow_run: FlowRun, facts: _Facts) -> FlowRun:
    if not facts:
        return flow_run
    return replace(flow_run, steps=tuple(_step_with(step, facts) for step in flow_run.steps))


def _step_with(step: Step, facts: _Facts) -> Step:
    return replace(step, tasks=tuple(_task_with(task, facts) for task in step.tasks))


def _task_with(task: Task, facts: _Facts) -> Task:
    artifacts = tuple(_ref_with(ref, facts.get(ref.sha1)) for ref in task.artifacts)
    return replace(task, artifacts=artifacts)


def _ref_with(ref: ArtifactRef, facts: dict[str, Any] | None) -> ArtifactRef:
    """Return an artifact with the details from its bytes, if its type made them necessary."""
    if facts is None or ("names" in facts and not needs_inspection(ref)):
        return ref
    return replace(ref, **facts, type=_qualify(ref.type, facts.get("names", ())))


_METACLASS_REPR = re.compile(r"<\w+ '(\w+)'>")
"""The type of an enum as Metaflow records it: `<enum 'Color'>`, the repr of its class."""


def _qualify(type_: str, names: Sequence[str]) -> str:
    """Return the qualified name of the type, if it is among the names in the pickle."""
    match = _METACLASS_REPR.fullmatch(type_)
    candidates = (
        [] if match is None else [name for name in names if name.split(".")[-1] == match[1]]
    )
    return candidates[0] if len(candidates) == 1 else type_
