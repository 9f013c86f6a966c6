"""Who produced and who used each artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from mfwb.lineage.code import External
from mfwb.lineage.parents import parents_of, sorted_by_lineage
from mfwb.snapshot import ArtifactRef, FlowRun, Task

__all__ = ["Edge", "Ground", "Lineage", "rebuild_lineage"]


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
    """What was worked out about one flow run. Keys are task pathspecs."""

    parents: dict[str, tuple[str, ...]]
    writes: dict[str, tuple[str, ...]]  # artifact names, sorted
    edges: tuple[Edge, ...]  # sorted
    order: tuple[str, ...]  # parents before children
    reads: dict[str, tuple[str, ...] | None] = field(default_factory=dict)  # None: not known
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by step: why not
    externals: dict[str, tuple[External, ...]] = field(default_factory=dict)  # by step


def rebuild_lineage(flow_run: FlowRun) -> Lineage:
    """Return who produced and who used what; LineageError if the facts contradict themselves."""
    parents = parents_of(flow_run)
    order = sorted_by_lineage(flow_run.tasks, parents)
    producers = _producers(order, parents)
    edges = {edge for task in order for edge in _edges_into(task, parents, producers, flow_run)}
    return Lineage(
        parents=parents,
        writes={
            task.pathspec: tuple(
                ref.name
                for ref in task.artifacts
                if producers[task.pathspec][ref.name].pathspec == task.pathspec
            )
            for task in order
        },
        edges=tuple(sorted(edges)),
        order=tuple(task.pathspec for task in order),
    )


@dataclass(frozen=True, slots=True)
class _Produced:
    pathspec: str  # of the task that wrote it
    ref: ArtifactRef


_Producers = dict[str, dict[str, _Produced]]  # task -> artifact name -> by whom


def _producers(order: list[Task], parents: dict[str, tuple[str, ...]]) -> _Producers:
    """Follow each artifact up to the task that wrote that content under that name."""
    producers: _Producers = {}
    for task in order:
        inherited = {
            (name, produced.ref.sha1): produced
            for parent in reversed(parents[task.pathspec])  # the first parent has the last word
            for name, produced in producers[parent].items()
        }
        producers[task.pathspec] = {
            ref.name: inherited.get((ref.name, ref.sha1)) or _Produced(task.pathspec, ref)
            for ref in task.artifacts
        }
    return producers


def _edges_into(
    task: Task, parents: dict[str, tuple[str, ...]], producers: _Producers, flow_run: FlowRun
) -> Iterator[Edge]:
    for parameter in flow_run.parameters:
        yield Edge(
            consumer=task.pathspec,
            artifact=parameter.name,
            producer=f"{flow_run.pathspec}/_parameters",
            sha1=parameter.ref.sha1,
            ground=Ground.PARAMETER,
        )
    iterated = _iterated_over(task)
    for parent in parents[task.pathspec]:
        for name, produced in producers[parent].items():
            ground = Ground.FOREACH_INPUT if name == iterated else Ground.AVAILABLE
            yield Edge(task.pathspec, name, produced.pathspec, produced.ref.sha1, ground)


def _iterated_over(task: Task) -> str | None:
    """Return the name of the artifact behind `self.input`, if a foreach fanned out to this task.

    A frame carries the name of the first step inside the foreach; later ones inherit the frame.
    """
    if task.foreach and task.foreach[-1].step == task.step:
        return task.foreach[-1].var
    return None
