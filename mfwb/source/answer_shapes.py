"""What a metadata provider may answer: records, which are JSON objects, or lists of such.

Metaflow's client takes what it gets: `null` for a thing that is not there, and it indexes a list
by names.
"""

from __future__ import annotations

from typing import Any

__all__ = ["describe_non_list", "describe_non_record"]


def describe_non_record(value: Any) -> str | None:
    """Return what a value is in place of a record; None: it is one."""
    return None if isinstance(value, dict) and value else _describe(value)


def describe_non_list(value: Any, *, of_records: bool) -> str | None:
    """Return what a value is in place of a list; None: it is one.

    Args:
        value: out of JSON.
        of_records: whether its items have to be records; else whoever reads them looks.
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
