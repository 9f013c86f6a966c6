"""Checks that a document that mfwb printed is the one that its published schema describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["SCHEMAS", "assert_as_published", "schema_name", "strict_validator"]

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
_GROUPS = {"config"}


def assert_as_published(arguments: Sequence[str], text: str) -> None:
    """Make sure that a document has all keys of its schema, and no other ones.

    Args:
        arguments: of mfwb, with `--json` or `--format json`.
        text: what it printed; empty after an error.
    """
    if not text or not _is_json(arguments):
        return
    name = schema_name(arguments)
    errors = [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:500]}"
        for error in strict_validator(name).iter_errors(json.loads(text))
    ]
    assert not errors, f"{name}.json of docs/schemas does not describe this: {errors[:5]}"


def schema_name(arguments: Sequence[str]) -> str:
    """Return the name of the schema for what a call of mfwb prints."""
    command, *rest = arguments
    if command in _GROUPS and rest and rest[0] in {"trust", "untrust"}:
        return f"{command}-{rest[0]}"
    return f"{command}-artifact" if "--artifact" in rest else command


@cache
def strict_validator(name: str) -> Any:
    """Return a validator that, unlike the published schema, takes no key that it does not have."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(deepcopy(schema)))


def _closed(part: Any) -> Any:
    if isinstance(part, dict):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            _closed(inner)
    elif isinstance(part, list):
        for inner in part:
            _closed(inner)
    return part


def _is_json(arguments: Sequence[str]) -> bool:
    pairs = pairwise(arguments)
    return "--json" in arguments or ("--format", "json") in pairs
