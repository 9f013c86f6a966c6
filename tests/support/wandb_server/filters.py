"""The filters and orders that W&B queries carry: a small part of MongoDB's language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .records import Collection, Run, Version
from .refusal import Refusal

Item = TypeVar("Item")
Lookup = Callable[[str], Any]


def select(
    items: Iterable[Item],
    filters: str | None,
    order: str | None,
    lookup: Callable[[Item, str], Any],
) -> list[Item]:
    """Return the items that match the filters, in the order asked for."""
    condition = json.loads(filters) if filters else {}
    chosen = [item for item in items if matches(condition, lambda key, it=item: lookup(it, key))]  # type: ignore[misc]
    if not order:
        return chosen
    key = order.lstrip("+-")
    return sorted(
        chosen, key=lambda item: _sortable(lookup(item, key)), reverse=order.startswith("-")
    )


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, (int, float)):
        return (1, value)
    return (0, "") if value is None else (2, str(value))


def matches(condition: Mapping[str, Any], lookup: Lookup) -> bool:
    """Say whether something with these values fulfils a condition."""
    return all(_clause(key, wanted, lookup) for key, wanted in condition.items())


def _clause(key: str, wanted: Any, lookup: Lookup) -> bool:
    if key == "$and":
        return all(matches(part, lookup) for part in wanted)
    if key == "$or":
        return any(matches(part, lookup) for part in wanted)
    if key == "$nor":
        return not any(matches(part, lookup) for part in wanted)
    if key == "$not":
        return not matches(wanted, lookup)
    if key.startswith("$"):
        raise Refusal(400, f"filter operator {key} is not known")
    value = lookup(key)
    if isinstance(wanted, dict) and any(name.startswith("$") for name in wanted):
        return all(_holds(operator, value, operand) for operator, operand in wanted.items())
    return _equal(value, wanted)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    return bool(value == wanted)


def _is_among(value: Any, operand: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(value, item) for item in operand)
    return value in operand


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, operand: (
        (value is not None and isinstance(value, str) == isinstance(operand, str))
        and compare(value, operand)
    )


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, operand: not _equal(value, operand),
    "$in": _is_among,
    "$nin": lambda value, operand: not _is_among(value, operand),
    "$exists": lambda value, operand: (value is not None) == operand,
    "$regex": lambda value, operand: re.search(operand, str(value or "")) is not None,
    "$gt": _ordered(lambda value, operand: value > operand),
    "$gte": _ordered(lambda value, operand: value >= operand),
    "$lt": _ordered(lambda value, operand: value < operand),
    "$lte": _ordered(lambda value, operand: value <= operand),
}


def _holds(operator: str, value: Any, operand: Any) -> bool:
    if operator not in _OPERATORS:
        raise Refusal(400, f"filter operator {operator} is not known")
    return _OPERATORS[operator](value, operand)


_RUN_KEYS: dict[str, Callable[[Run], Any]] = {
    "name": lambda run: run.name,
    "display_name": lambda run: run.display_name,
    "displayName": lambda run: run.display_name,
    "group": lambda run: run.group,
    "job_type": lambda run: run.job_type,
    "jobType": lambda run: run.job_type,
    "state": lambda run: run.state,
    "tags": lambda run: run.tags,
    "host": lambda run: run.host,
    "notes": lambda run: run.notes,
    "created_at": lambda run: run.serial,
    "createdAt": lambda run: run.created_at.isoformat(),
    "heartbeat_at": lambda run: run.heartbeat_at.isoformat(),
    "heartbeatAt": lambda run: run.heartbeat_at.isoformat(),
}


def run_value(run: Run, key: str) -> Any:
    """Return what a filter or order on runs means by a key."""
    if key in _RUN_KEYS:
        return _RUN_KEYS[key](run)
    root, _, rest = key.partition(".")
    if root == "config":
        return _dig({name: unwrap(entry) for name, entry in run.config.items()}, rest)
    if root in ("summary_metrics", "summaryMetrics"):
        return _dig(run.summary, rest)
    raise Refusal(400, f"runs cannot be filtered or ordered by {key}")


def unwrap(entry: Any) -> Any:
    """Return the value of a config entry, which travels as {"value": ..., "desc": ...}."""
    return entry["value"] if isinstance(entry, dict) and "value" in entry else entry


def _dig(value: Any, path: str) -> Any:
    # Keys may hold dots themselves, and `.value` may be written or left out.
    if not path or path == "value":
        return value
    if not isinstance(value, dict):
        return None
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in value:
            return _dig(value[key], ".".join(parts[length:]))
    return _dig(value, ".".join(parts[1:])) if parts[0] == "value" else None


def version_value(version: Version, key: str) -> Any:
    """Return what a filter or order on artifact versions means by a key."""
    known: dict[str, Any] = {
        "state": version.state,
        "digest": version.digest,
        "versionIndex": version.index,
        "version_index": version.index,
        "createdAt": version.created_at.isoformat(),
        "created_at": version.serial,
        "aliases": version.aliases,
        "alias": version.aliases,
        "tags": version.tags,
        "tag": version.tags,
    }
    if key not in known:
        raise Refusal(400, f"artifacts cannot be filtered or ordered by {key}")
    return known[key]


def collection_value(collection: Collection, key: str) -> Any:
    """Return what a filter or order on artifact collections means by a key."""
    known: dict[str, Any] = {
        "name": collection.name,
        "created_at": collection.serial,
        "createdAt": collection.created_at.isoformat(),
    }
    if key not in known:
        raise Refusal(400, f"artifact collections cannot be filtered or ordered by {key}")
    return known[key]
