"""What W&B should say of the foreachs that a task runs in: indices and items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfwb.verification.expected import names
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import HeldArtifact, TaskFacts
from mfwb.verification.expected.kinds import is_part_of_values
from mfwb.verification.expected.model import ExpectedValue, Need
from mfwb.verification.expected.wording import ANY, SET

__all__ = ["ForeachFacts", "expect_foreach"]

_TYPES = frozenset({"list", "tuple", "range"})
_MAX_PICKLE = 100_000  # bytes
_MAX_ITEM = 1_000  # characters of JSON
_RANGE = re.compile(r"range\((-?\d+), (-?\d+)(?:, (-?\d+))?\)")
_MISSING = object()
_OPEN = object()


@dataclass(frozen=True, slots=True)
class ForeachFacts:
    """What W&B should say of one task's foreachs.

    Attributes:
        config: `config["foreach"]`; None: it has none.
        columns: the cells of its row in a table, by column.
    """

    config: ExpectedValue | None
    columns: Mapping[str, Any]


def expect_foreach(
    task: TaskFacts, parents: Mapping[str, Sequence[TaskFacts]], contents: Contents
) -> ForeachFacts:
    """Return what W&B should say of the foreachs of a task.

    Args:
        task: the task.
        parents: of each task, by its path.
        contents: of the flow run.
    """
    if not task.indexes or task.is_control:
        return ForeachFacts(None, {})
    described: dict[str, Any] = {}
    for depth in range(len(task.indexes), 0, -1):
        origin = _origin_of(task, depth, parents)
        level: dict[str, Any] = {"index": task.indexes[depth - 1]}
        item = _OPEN if origin is None else _item(origin, level["index"], contents)
        if item is not _MISSING:
            level["item"] = {ANY: True} if item is _OPEN else item
        if depth == len(task.indexes):
            described.update(level)
        elif origin is not None:
            described[names.free(origin.next_steps[0], {*described, "item"})] = level
    columns = dict(_columns("foreach", described))
    if _has_mark(described):
        reason = "the items of its foreach are not known here"
        return ForeachFacts(ExpectedValue((), Need.REQUIRED, reason), {})
    return ForeachFacts(ExpectedValue((described,)), columns)


def _origin_of(
    task: TaskFacts, depth: int, parents: Mapping[str, Sequence[TaskFacts]]
) -> TaskFacts | None:
    """Return the ancestor that began the foreach of a depth; None if that is not certain."""
    current: Sequence[TaskFacts] = (task,)
    seen: set[str] = set()
    while current:
        origins = [
            parent for parent in current if parent.foreach and len(parent.indexes) == depth - 1
        ]
        if origins:
            return origins[0] if len(origins) == 1 and not origins[0].rounds else None
        seen |= {parent.path for parent in current}
        before = [parent for own in current for parent in parents[own.path]]
        current = [
            parent
            for parent in {own.path: own for own in before}.values()
            if parent.path not in seen
        ]
    return None


def _item(origin: TaskFacts, index: int, contents: Contents) -> Any:
    held: HeldArtifact | None = origin.held.get(origin.foreach or "")
    if held is None or held.type not in _TYPES or held.size > _MAX_PICKLE or not held.is_pickle:
        return _MISSING
    value = contents.show(held)
    if value.names is not None and not all(map(is_part_of_values, value.names)):
        return _MISSING  # an object among the items: only a plain list is read
    if not value.is_known:
        return _OPEN
    items = _items(value.json_value)
    if not 0 <= index < len(items) or len(json.dumps(items[index])) > _MAX_ITEM:
        return _MISSING
    item = contents.mask(held.name, items[index])
    if isinstance(item, dict) and item and not _has_mark(item):
        return {key: _as_text(entry) for key, entry in item.items()}
    return _as_text(item) if isinstance(item, dict) and not item else item


def _items(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return range(*(int(part) for part in match.groups() if part is not None)) if match else ()


def _as_text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _columns(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, _as_text(value)
        return
    for key, inner in value.items():
        yield from _columns(f"{name}.{key}", inner)


def _has_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return ANY in value or SET in value or any(map(_has_mark, value.values()))
    return isinstance(value, list) and any(map(_has_mark, value))
