"""What was worked out about one flow run, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from mfwb.lineage.own_values import NOTHING_EQUAL, EqualValues
from mfwb.lineage.static_analysis import ExternalRead, SourcePosition
from mfwb.snapshot import Task

__all__ = ["Edge", "Evidence", "ExternalUse", "Lineage"]


class Evidence(str, Enum):
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
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ExternalUse:
    """One task used an artifact that a task of another flow run produced."""

    edge: Edge
    read: ExternalRead  # how the code says it


@dataclass(frozen=True, slots=True)
class Lineage:
    """What was worked out about one flow run. Keys are task pathspecs, but for three.

    Attributes:
        parents: who came before, in foreach order.
        writes: the artifacts that a task wrote; content that it was handed, and kept, is not.
        edges: who used what, sorted.
        order: all tasks, parents before children.
        reads: artifacts and parameters that the code of a task reads and others wrote; None:
            not known for certain.
        equal: what is a task's own, too, though it is equal to what it was handed.
        doubts: why not, by step.
        externals: what the code of a task reads from other flow runs, as it says so.
        outside: who used what of other flow runs, sorted, as far as these could be read.
        places: where the source reads an artifact, by step and name, as far as a step does it in
            its own body. For people; nothing is decided by it.
        unread: what the code reads of those that could not, and why.
    """

    parents: dict[str, tuple[str, ...]]
    writes: dict[str, tuple[str, ...]]
    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    reads: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    externals: dict[str, tuple[ExternalRead, ...]] = field(default_factory=dict)
    external_uses: tuple[ExternalUse, ...] = ()
    unread: dict[ExternalRead, str] = field(default_factory=dict)
    equal: dict[str, EqualValues] = field(default_factory=dict)
    positions: dict[tuple[str, str], SourcePosition] = field(default_factory=dict)

    def equal_values(self, task: str) -> EqualValues:
        """Return what is a task's own though it is equal to what it was handed."""
        return self.equal.get(task, NOTHING_EQUAL)

    def external_reads_of(self, tasks: Iterable[Task]) -> tuple[ExternalRead, ...]:
        """Return what the code of any of these tasks reads from other flow runs."""
        found = {one for task in tasks for one in self.externals.get(task.pathspec, ())}
        return tuple(sorted(found, key=repr))
