"""What was worked out about one flow run, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mfwb.lineage.code import External

__all__ = ["Edge", "Ground", "Lineage"]


class Ground(str, Enum):
    """On what ground an edge was drawn."""

    READ = "read"  # the code of the step reads it
    AVAILABLE = "available"  # a parent handed it on; whether the code read it is not known
    FOREACH_INPUT = "foreach-input"  # the artifact that the foreach iterates over
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One task used an artifact that another one produced."""

    consumer: str
    artifact: str
    producer: str
    sha1: str
    ground: Ground


@dataclass(frozen=True, slots=True)
class Lineage:
    """What was worked out about one flow run. Keys are task pathspecs, but for the last two.

    Attributes:
        parents: who came before, in foreach order.
        writes: the artifacts that a task wrote; content that it was handed, and kept, is not.
        edges: who used what, sorted.
        order: all tasks, parents before children.
        reads: artifacts and parameters that the code of a task reads and others wrote; None:
            not known for certain.
        doubts: why not, by step.
        externals: what the code reads from other flow runs, by step.
    """

    parents: dict[str, tuple[str, ...]]
    writes: dict[str, tuple[str, ...]]
    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    reads: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    externals: dict[str, tuple[External, ...]] = field(default_factory=dict)
