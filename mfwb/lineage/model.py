"""The lineage of one flow run, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from mfwb.lineage.own_values import NOTHING_EQUAL, EqualValues
from mfwb.lineage.static_analysis import ExternalRead, SourcePosition
from mfwb.snapshot import Task

__all__ = ["Edge", "Evidence", "ExternalUse", "Lineage"]


class Evidence(str, Enum):
    """The evidence for an edge: why mfwb takes it that a task used an artifact."""

    READ = "read"  # the code of the step reads it
    AVAILABLE = "available"  # a parent passed it on; whether the code read it is not known
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
    read: ExternalRead  # the read, as it is in the code
    holder: str = field(default="", compare=False)  # the task from which it was read


@dataclass(frozen=True, slots=True)
class Lineage:
    """The parents, producers and uses in one flow run.

    Keys are task pathspecs, except in `doubts`, `positions` and `unread`.

    Attributes:
        parents: the parent tasks of each task, in foreach order.
        writes: the artifacts that a task wrote; content that it received and kept is not among
            them.
        edges: the uses of artifacts, sorted.
        order: all tasks, parents before children.
        reads: artifacts and parameters that the code of a task reads and that other tasks wrote;
            None: not known for certain.
        equal: values that a task wrote itself, although they equal what it received.
        doubts: why the reads of a step are not known for certain, by step.
        externals: what the code of a task reads from other flow runs.
        external_uses: the uses of artifacts of other flow runs, sorted, as far as these flow runs
            could be read.
        producers: the producers of the artifacts that a task received and kept, by name.
        positions: where the source reads an artifact, by step and name, if the body of the step
            itself reads it. This is shown to people; nothing depends on it.
        unread: the reads from flow runs that could not be read, with the reason.
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
    producers: dict[str, dict[str, str]] = field(default_factory=dict)
    positions: dict[tuple[str, str], SourcePosition] = field(default_factory=dict)

    def equal_values(self, task: str) -> EqualValues:
        """Return the values that a task wrote itself, although they equal what it received."""
        return self.equal.get(task, NOTHING_EQUAL)

    def producer_of(self, task: str, name: str) -> str:
        """Return the task that wrote an artifact that a task has."""
        return self.producers.get(task, {}).get(name, task)

    def external_reads_of(self, tasks: Iterable[Task]) -> tuple[ExternalRead, ...]:
        """Return what the code of any of these tasks reads from other flow runs."""
        reads = {read for task in tasks for read in self.externals.get(task.pathspec, ())}
        return tuple(sorted(reads, key=repr))
