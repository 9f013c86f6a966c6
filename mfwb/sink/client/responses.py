"""What W&B answers to our own GraphQL requests: `null` where something is needed is no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mfwb.errors import SinkError

__all__ = ["expected", "nodes"]


def expected(answer: Any, *path: str) -> Any:
    """Return what lies at a path in an answer; SinkError if W&B says `null` on the way to it."""
    found = answer
    for place, name in enumerate(path):
        found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            raise SinkError(f"W&B answered null for {'.'.join(path[: place + 1])}")
    return found


def nodes(connection: Any) -> Iterator[Any]:
    """Yield what a connection joins; SinkError if it is none."""
    for edge in expected(connection, "edges"):
        yield expected(edge, "node")
