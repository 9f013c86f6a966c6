"""Which artifacts a task used: by what its code reads, and what its parents had to offer."""

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
    """A parent of a task, and what it hands on by name."""

    task: Task
    held: Mapping[str, HeldArtifact]


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that a task could use.

    Attributes:
        task: the task.
        kept: what it holds itself when it is done, by name.
        parents: in the order in which a join has its inputs.
        flow_run: the flow run, for its parameters.
    """

    task: Task
    kept: Mapping[str, HeldArtifact]
    parents: Sequence[Parent]
    flow_run: FlowRun


def find_uses(offer: Candidates, code: StepCode | None) -> set[Edge]:
    """Return the edges into a task; without code, or with doubts, to all that was on offer."""
    if offer.task.is_control:
        return set(_set_off(offer))
    if code is None:
        return _all_of(offer)
    read = {*_parameters(offer, code.reads), *_off_self(offer, code), *_off_inputs(offer, code)}
    if code.reads_input:
        read.update(_iterated(offer, offer.task.foreach[-1:]))
    if code.reads_foreach_stack:
        read.update(_iterated(offer, offer.task.foreach))
    if not code.doubts:
        return read
    known = {(edge.artifact, edge.producer) for edge in read}
    rest = (edge for edge in _all_of(offer) if (edge.artifact, edge.producer) not in known)
    return read.union(rest)


def _all_of(offer: Candidates) -> set[Edge]:
    """Return edges to all that was on offer: what was used is among it."""
    frames = offer.task.foreach
    fans_out = frames and frames[-1].step == offer.task.step  # later steps inherit the frame
    iterated = set(_iterated(offer, frames[-1:])) if fans_out else set()
    inputs = {(edge.artifact, edge.producer) for edge in iterated}
    handed_on = {
        _edge(offer, name, held, Evidence.AVAILABLE)
        for parent in offer.parents
        for name, held in parent.held.items()
        if (name, held.producer) not in inputs
    }
    return {*_parameters(offer, None), *iterated, *handed_on}


def _parameters(offer: Candidates, names: Collection[str] | None) -> Iterator[Edge]:
    for parameter in offer.flow_run.parameters:
        if names is None or parameter.name in names:
            source = parameters_of(offer.flow_run.pathspec)
            held = HeldArtifact(source, parameter.ref)
            yield _edge(offer, parameter.name, held, Evidence.PARAMETER)


def _iterated(offer: Candidates, frames: Iterable[ForeachFrame]) -> Iterator[Edge]:
    """Yield edges to the artifacts behind the items of these frames, as `self.input` is one."""
    for frame in frames:
        for parent in offer.parents:
            transition = parent.task.transition
            name = frame.var or (transition and transition.foreach)  # a killed task left no name
            held = parent.held.get(name) if name else None
            if name and held is not None:
                yield _edge(offer, name, held, Evidence.FOREACH_INPUT)


def _set_off(offer: Candidates) -> Iterator[Edge]:
    """Yield the edge to what is iterated over: all that a control task looks at."""
    for parent in offer.parents:
        name = parent.task.transition.foreach if parent.task.transition else None
        if name is not None and name in parent.held:
            yield _edge(offer, name, parent.held[name], Evidence.FOREACH_INPUT)


def _off_self(offer: Candidates, code: StepCode) -> Iterator[Edge]:
    """Yield edges for reads off `self`. A join has only what it merged, one of each name."""
    joins = len(offer.parents) > 1 or bool(code.merges) or bool(code.input_reads)
    for name in code.reads:
        if joins and not any(_merges(one, name) for one in code.merges):
            continue
        candidates = [parent.held[name] for parent in offer.parents if name in parent.held]
        kept = offer.kept.get(name)
        if kept is not None and any(one.producer == kept.producer for one in candidates):
            candidates = [kept]
        for held in candidates:
            yield _edge(offer, name, held, Evidence.READ)


def _merges(merge: Merge, name: str) -> bool:
    return name not in merge.exclude and (merge.include is None or name in merge.include)


def _off_inputs(offer: Candidates, code: StepCode) -> Iterator[Edge]:
    for read in code.input_reads:
        for parent in _inputs(offer, read):
            held = parent.held.get(read.name)
            if held is not None:
                yield _edge(offer, read.name, held, Evidence.READ)


def _inputs(offer: Candidates, read: InputRead) -> Sequence[Parent]:
    """Return the inputs that a read can mean; all of them where that can't be told."""
    if read.branch is not None:
        return [one for one in offer.parents if one.task.step == read.branch]
    siblings = len({one.task.step for one in offer.parents}) == 1
    if read.index is None or not siblings:  # the order of branches is not recorded
        return offer.parents
    try:
        return [offer.parents[read.index]]
    except IndexError:
        return ()


def _edge(offer: Candidates, name: str, held: HeldArtifact, evidence: Evidence) -> Edge:
    return Edge(offer.task.pathspec, name, held.producer, held.ref.sha1, evidence)
