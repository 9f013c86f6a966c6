"""Answers to mfwb's own GraphQL requests: `null` in place of a needed value is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mfwb.errors import SinkError

__all__ = ["nodes", "require"]


def require(answer: Any, *path: str) -> Any:
    """Return the value at a path in an answer; SinkError if W&B answers `null` on the way."""
    value = answer
    for index, name in enumerate(path):
        value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            raise SinkError(f"W&B answered null for {'.'.join(path[: index + 1])}")
    return value


def nodes(connection: Any) -> Iterator[Any]:
    """Yield the nodes of a GraphQL connection; SinkError if it is not one."""
    for edge in require(connection, "edges"):
        yield require(edge, "node")
