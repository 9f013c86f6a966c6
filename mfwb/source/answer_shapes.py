"""Shapes of answers that a metadata provider may give: records (JSON objects) or lists of records.

Metaflow's client does not check them: it takes `null` for an object that does not exist, and uses a
list as if it were a record.
"""

from __future__ import annotations

from typing import Any

__all__ = ["describe_non_list", "describe_non_record"]


def describe_non_record(value: Any) -> str | None:
    """Return a description of a value that is not a record; None if it is a record."""
    return None if isinstance(value, dict) and value else _describe(value)


def describe_non_list(value: Any, *, of_records: bool) -> str | None:
    """Return a description of a value that is not a valid list; None if it is one.

    Args:
        value: decoded JSON.
        of_records: whether its items have to be records; else the caller checks them.
    """
    if not isinstance(value, list):
        return _describe(value)
    descriptions = filter(None, map(describe_non_record, value)) if of_records else iter(())
    item = next(descriptions, None)
    return None if item is None else f"a list that holds {item}"


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "a list"
    return "a text" if isinstance(value, str) else "a number or a truth value"
