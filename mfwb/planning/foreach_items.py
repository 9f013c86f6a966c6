"""The position of a task in its foreachs, and the items that it received, for config and tables."""

from __future__ import annotations

import json
from typing import Any

from mfwb.free_names import free_name
from mfwb.snapshot import ForeachFrame, Task

__all__ = ["FOREACH", "describe_foreach", "list_foreach_columns"]

FOREACH = "foreach"
"""The key in config, and the beginning of the names of columns."""


def describe_foreach(task: Task) -> dict[str, Any]:
    """Return `config["foreach"]` of a task: index and item, and those of each outer foreach.

    The innermost foreach comes first; an outer one has the name of the first step in it.
    """
    if not task.foreach or task.is_control:
        return {}
    *outer, inner = task.foreach
    facts = _describe_level(inner)
    for frame in reversed(outer):
        facts[free_name(frame.step, facts.keys() | {"item"})] = _describe_level(frame)
    return facts


def list_foreach_columns(task: Task) -> dict[str, Any]:
    """Return the same facts by the names of their columns, as in `foreach.item.lr`."""
    return dict(_flatten(FOREACH, describe_foreach(task)))


def _describe_level(frame: ForeachFrame) -> dict[str, Any]:
    facts: dict[str, Any] = {"index": frame.index}
    if frame.has_item:
        facts["item"] = _flat_item(frame.item)
    return facts


def _flat_item(item: Any) -> Any:
    """Return an item; of a dict its entries, of which each dict or list is a text.

    An empty dict is a text, too, since W&B leaves empty dicts out of config.
    """
    if isinstance(item, dict) and item:
        return {key: _flat_entry(value) for key, value in item.items()}
    return _flat_entry(item) if isinstance(item, dict) else item


def _flat_entry(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _flatten(name: str, facts: Any) -> list[tuple[str, Any]]:
    if isinstance(facts, dict):
        return [pair for key, value in facts.items() for pair in _flatten(f"{name}.{key}", value)]
    return [(name, _flat_entry(facts))]
