"""Artifacts that a task used, from what its code reads and what its parents made available."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mfwb.lineage.model import Edge, Evidence
from mfwb.lineage.producers import HeldArtifact
from mfwb.lineage.static_analysis import InputRead, Merge, StepCode
from mfwb.snapshot import FlowRun, ForeachFrame, Task
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["Parent", "find_uses"]


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent of a task, and the artifacts that it passes on, by name."""

    task: Task
    held: Mapping[str, HeldArtifact]


@dataclass(frozen=True, slots=True)
class AvailableArtifacts:
    """All artifacts that a task could use.

    Attributes:
        task: the task.
        kept: the artifacts that the task itself has when it ends, by name.
        parents: the parents, in the order in which a join has its inputs.
        flow_run: the flow run, for its parameters.
    """

    task: Task
    kept: Mapping[str, HeldArtifact]
    parents: Sequence[Parent]
    flow_run: FlowRun


def find_uses(available: AvailableArtifacts, code: StepCode | None) -> set[Edge]:
    """Return the edges into a task; without code, or with doubts, from all available artifacts."""
    if available.task.is_control:
        return set(_control_edges(available))
    if code is None:
        return _with_loaded(_all_edges(available), available)
    read = {
        *_loaded_edges(available),
        *_parameter_edges(available, code.reads),
        *_edges_from_self(available, code),
        *_edges_from_inputs(available, code),
    }
    if code.reads_input:
        read.update(_foreach_edges(available, available.task.foreach[-1:]))
    if code.reads_foreach_stack:
        read.update(_foreach_edges(available, available.task.foreach))
    if not code.doubts:
        return read
    return _add_unknown(read, _all_edges(available))


def _add_unknown(read: set[Edge], others: Iterable[Edge]) -> set[Edge]:
    """Return edges, and those of other artifacts."""
    known = {(edge.artifact, edge.producer) for edge in read}
    return read.union(edge for edge in others if (edge.artifact, edge.producer) not in known)


def _with_loaded(edges: set[Edge], available: AvailableArtifacts) -> set[Edge]:
    return _add_unknown(set(_loaded_edges(available)), edges)


def _loaded_edges(available: AvailableArtifacts) -> Iterator[Edge]:
    """Yield the edges from references to checkpoints that the task recorded as loaded."""
    loaded = frozenset(available.task.loaded)
    for parent in available.parents if loaded else ():
        for name, held in parent.held.items():
            if held.ref.reference is not None and held.ref.reference.key in loaded:
                yield _make_edge(available, name, held, Evidence.READ)


def _all_edges(available: AvailableArtifacts) -> set[Edge]:
    """Return the edges from all available artifacts; the used ones are among them."""
    frames = available.task.foreach
    fans_out = frames and frames[-1].step == available.task.step  # later steps inherit the frame
    iterated = set(_foreach_edges(available, frames[-1:])) if fans_out else set()
    inputs = {(edge.artifact, edge.producer) for edge in iterated}
    handed_on = {
        _make_edge(available, name, held, Evidence.AVAILABLE)
        for parent in available.parents
        for name, held in parent.held.items()
        if (name, held.producer) not in inputs
    }
    return {*_parameter_edges(available, None), *iterated, *handed_on}


def _parameter_edges(
    available: AvailableArtifacts, names: Collection[str] | None
) -> Iterator[Edge]:
    for parameter in available.flow_run.parameters:
        if names is None or parameter.name in names:
            source = parameters_of(available.flow_run.pathspec)
            held = HeldArtifact(source, parameter.ref)
            yield _make_edge(available, parameter.name, held, Evidence.PARAMETER)


def _foreach_edges(available: AvailableArtifacts, frames: Iterable[ForeachFrame]) -> Iterator[Edge]:
    """Yield the edges from the artifacts that these foreach frames iterate over.

    `self.input` is one item of such an artifact.
    """
    for frame in frames:
        for parent in available.parents:
            transition = parent.task.transition
            name = frame.var or (
                transition and transition.foreach
            )  # a killed task recorded no name
            held = parent.held.get(name) if name else None
            if name and held is not None:
                yield _make_edge(available, name, held, Evidence.FOREACH_INPUT)


def _control_edges(available: AvailableArtifacts) -> Iterator[Edge]:
    """Yield the edge from the artifact that is iterated over: a control task reads no other."""
    for parent in available.parents:
        name = parent.task.transition.foreach if parent.task.transition else None
        if name is not None and name in parent.held:
            yield _make_edge(available, name, parent.held[name], Evidence.FOREACH_INPUT)


def _edges_from_self(available: AvailableArtifacts, code: StepCode) -> Iterator[Edge]:
    """Yield the edges for reads from `self`. In a join, `self` has only merged artifacts."""
    joins = len(available.parents) > 1 or bool(code.merges) or bool(code.input_reads)
    for name in code.reads:
        if joins and not any(_is_merged(merge, name) for merge in code.merges):
            continue
        held_by_parents = [parent.held[name] for parent in available.parents if name in parent.held]
        kept = available.kept.get(name)
        if kept is not None and any(held.producer == kept.producer for held in held_by_parents):
            held_by_parents = [kept]
        for held in held_by_parents:
            yield _make_edge(available, name, held, Evidence.READ)


def _is_merged(merge: Merge, name: str) -> bool:
    return name not in merge.exclude and (merge.include is None or name in merge.include)


def _edges_from_inputs(available: AvailableArtifacts, code: StepCode) -> Iterator[Edge]:
    for read in code.input_reads:
        for parent in _select_inputs(available, read):
            held = parent.held.get(read.name)
            if held is not None:
                yield _make_edge(available, read.name, held, Evidence.READ)


def _select_inputs(available: AvailableArtifacts, read: InputRead) -> Sequence[Parent]:
    """Return the inputs that a read can mean; all inputs if that is not known."""
    if read.branch is not None:
        return [parent for parent in available.parents if parent.task.step == read.branch]
    siblings = len({parent.task.step for parent in available.parents}) == 1
    if read.index is None or not siblings:  # the order of branches is not recorded
        return available.parents
    try:
        return [available.parents[read.index]]
    except IndexError:
        return ()


def _make_edge(
    available: AvailableArtifacts, name: str, held: HeldArtifact, evidence: Evidence
) -> Edge:
    return Edge(available.task.pathspec, name, held.producer, held.ref.sha1, evidence)
