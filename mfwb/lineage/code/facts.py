"""What the source of a flow says that each step does with artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ANY", "External", "FlowCode", "InputRead", "Merge", "StepCode"]


@dataclass(frozen=True, slots=True, order=True)
class InputRead:
    """An artifact that a join reads off its inputs."""

    name: str
    branch: str | None = None  # the step, of `inputs.a.x`; None: of any input, or it can't be told
    index: int | None = None  # of `inputs[0].x`


@dataclass(frozen=True, slots=True)
class Merge:
    """One call of `merge_artifacts`: what passes through a join without being read."""

    include: frozenset[str] | None = None  # None: not given, so all
    exclude: frozenset[str] = frozenset()


ANY = "*"
"""In the pathspec of something external: a step, but which one can't be told."""


@dataclass(frozen=True, slots=True, order=True)
class External:
    """Something that a step reads from another flow run, named by constants.

    Attributes:
        kind: what the pathspec names: "flow", "run", "step", "task" or "artifact"; or "trigger"
            for `current.trigger.run`. Of a flow, it can't be told which run is meant.
        pathspec: as in `X/1` or `X/1/train`; of a trigger, what follows the flow run, as in
            `train`, and mostly nothing.
        artifact: the name after `.data`, if one is read. What a run has is what its last step
            has; what a step has is what any task of it has.
    """

    kind: str
    pathspec: str = ""
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class StepCode:
    """One step.

    Attributes:
        name: the step.
        line: where it begins, as Metaflow counts: compare with `GraphStep.line`.
        next: the steps that its `self.next` can lead to, sorted.
        reads: artifacts and parameters that it may read before it has surely written them itself,
            including what `foreach=` and `condition=` name.
        input_reads: what a join may read off its inputs.
        reads_input: whether it may read `self.input`.
        reads_foreach_stack: whether it may call `self.foreach_stack()`, which looks at the items of
            all levels.
        writes: artifacts that it may assign.
        always_writes: those that it assigns on every way through to its end.
        deletes: artifacts that it may delete.
        merges: calls of `merge_artifacts`.
        externals: reads from other flow runs.
        doubts: why reads can't be told for certain, each with its line; empty: they can. `reads` is
            then a lower bound, and what the parents had to offer is the upper one.
        followed: whether its code was followed at all; else nothing is known but its line, and
            `doubts` say why.
    """

    name: str
    line: int
    next: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    input_reads: frozenset[InputRead] = frozenset()
    reads_input: bool = False
    reads_foreach_stack: bool = False
    writes: frozenset[str] = frozenset()
    always_writes: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    merges: tuple[Merge, ...] = ()
    externals: frozenset[External] = frozenset()
    doubts: tuple[str, ...] = ()
    followed: bool = True


@dataclass(frozen=True, slots=True)
class FlowCode:
    """All steps of a flow, inherited ones included.

    Attributes:
        steps: by name.
        work: how many pieces of work the analysis took.
    """

    steps: dict[str, StepCode] = field(default_factory=dict)
    work: int = field(default=0, compare=False)
