"""Pages of nodes, as GraphQL connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Node = TypeVar("Node")


@dataclass(frozen=True, slots=True)
class Edge(Generic[Node]):
    """A node and its place in the list."""

    node: Node
    cursor: str

    @property
    def version(self) -> str:
        """Return the version name, on edges of artifacts."""
        node: Any = self.node
        return f"v{node.version_index}"


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@dataclass(frozen=True, slots=True)
class Connection(Generic[Node]):
    """One page of a list."""

    edges: list[Edge[Node]]
    page_info: PageInfo
    total_count: int


def connect(
    nodes: Sequence[Node], first: int | None = None, after: str | None = None
) -> Connection[Node]:
    """Return the page of `first` nodes that follows the cursor."""
    start = int(after) if after else 0
    stop = len(nodes) if first is None else start + first
    edges = [Edge(node, str(i)) for i, node in enumerate(nodes[start:stop], start=start + 1)]
    end = edges[-1].cursor if edges else None
    return Connection(edges, PageInfo(end, stop < len(nodes)), len(nodes))
