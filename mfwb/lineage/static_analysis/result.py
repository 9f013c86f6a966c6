"""What the source of a flow says that each step does with artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "ANY",
    "KINDS",
    "ArtifactValue",
    "ExternalRead",
    "FlowCode",
    "InputRead",
    "LookedUpRun",
    "Merge",
    "SourcePosition",
    "StepCode",
    "StoredRunId",
    "TextParts",
]


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


KINDS = ("flow", "run", "step", "task", "artifact")
"""What the objects of Metaflow's client are; so many slashes are in their pathspecs."""

ANY = "*"
"""In the pathspec of something external: a step, but which one can't be told."""


@dataclass(frozen=True, slots=True)
class ArtifactValue:
    """A plain value that code takes from an artifact: what it was, only the flow run tells.

    Attributes:
        name: the artifact or parameter; empty: the item of the foreach that the task is for.
        keys: what is taken out of it, from the outside in; None: any of its elements.
        of_input: the input of a join that it is read off; None: it is read off `self`.
        changed: whether the step itself may write it, so that it may have had several values.
    """

    name: str
    keys: tuple[str | int | None, ...] = ()
    of_input: InputRead | None = None
    changed: bool = False

    def __str__(self) -> str:
        where = self.of_input.branch if self.of_input else None
        head = [*(["inputs"] if self.of_input else []), *([where] if where else [])]
        keys = [ANY if key is None else str(key) for key in self.keys]
        return "{" + ".".join([*head, self.name or "input", *keys]) + "}"


@dataclass(frozen=True, slots=True)
class LookedUpRun:
    """The id of a flow run that code looks up, such as the latest one of a flow.

    Attributes:
        flow: the flow it is of.
    """

    flow: TextParts

    def __str__(self) -> str:
        return ANY


TextParts = tuple[str | ArtifactValue | LookedUpRun, ...]
"""A text, of which recorded values are parts."""


@dataclass(frozen=True, slots=True)
class StoredRunId:
    """That a step writes into an artifact which flow run it found.

    Attributes:
        name: the artifact.
        keys: where in it, as of `ArtifactValue`.
        words: what is there; the flow run's id is part of it.
    """

    name: str
    keys: tuple[str | int | None, ...]
    parts: TextParts


@dataclass(frozen=True, slots=True, order=True)
class ExternalRead:
    """Something that a step reads from another flow run.

    Attributes:
        kind: what the pathspec names: "flow", "run", "step", "task" or "artifact"; or "trigger"
            for `current.trigger.run`. Of a flow, it can't be told which run is meant.
        pathspec: as in `X/1` or `X/1/train`, with `{up}` where a value is; of a trigger, what
            follows the flow run, as in `train`, and mostly nothing.
        artifact: the name after `.data`, if one is read. What a run has is what its last step
            has; what a step has is what any task of it has.
        words: what it is a pathspec of, and that as far as the code tells; of a kind that `kind`
            need not be. Empty: the pathspec says all there is to say.
        kept: what the step keeps of the flow runs among these words that it looks up.
        sure: whether it is this one that is read, and not one of several.
    """

    kind: str
    pathspec: str = ""
    artifact: str | None = None
    parts: TextParts = ()
    stored_run_ids: frozenset[StoredRunId] = frozenset()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """Where something stands in the source of a flow."""

    file: str  # path below the root
    line: int


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
        places: where the step's own body, not that of what it calls, first reads an artifact.
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
    externals: frozenset[ExternalRead] = frozenset()
    doubts: tuple[str, ...] = ()
    followed: bool = True
    positions: dict[str, SourcePosition] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class FlowCode:
    """All steps of a flow, inherited ones included.

    Attributes:
        steps: by name.
        work: how many pieces of work the analysis took.
    """

    steps: dict[str, StepCode] = field(default_factory=dict)
    work: int = field(default=0, compare=False)
