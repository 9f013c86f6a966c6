"""The result of the static analysis: what each step of a flow does with artifacts."""

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
    """An artifact that a join reads from its inputs."""

    name: str
    branch: str | None = None  # the step in `inputs.a.x`; None: any input, or not known
    index: int | None = None  # the index in `inputs[0].x`


@dataclass(frozen=True, slots=True)
class Merge:
    """One call of `merge_artifacts`: the artifacts that pass through a join without a read."""

    include: frozenset[str] | None = None  # None: not given, so all artifacts
    exclude: frozenset[str] = frozenset()


KINDS = ("flow", "run", "step", "task", "artifact")
"""The kinds of objects in Metaflow's client; the position is the number of slashes in a pathspec.
"""

ANY = "*"
"""In the pathspec of an external read: a step whose name is not known."""


@dataclass(frozen=True, slots=True)
class ArtifactValue:
    """A plain value that code takes from an artifact. Only the flow run shows what it was.

    Attributes:
        name: the artifact or parameter; empty: the foreach item of the task.
        keys: the keys into the value, from the outside in; None: any of its elements.
        of_input: the input of a join that it is read from; None: it is read from `self`.
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
    """The id of a flow run that code looks up, such as the latest run of a flow.

    Attributes:
        flow: the name of the flow.
    """

    flow: TextParts

    def __str__(self) -> str:
        return ANY


TextParts = tuple[str | ArtifactValue | LookedUpRun, ...]
"""A text, made of constant parts and of values that the flow run recorded."""


@dataclass(frozen=True, slots=True)
class StoredRunId:
    """The id of a looked-up flow run that a step writes into an artifact.

    Attributes:
        name: the artifact.
        keys: the position in the artifact, as in `ArtifactValue`.
        parts: the text at that position; the flow run's id is a part of it.
    """

    name: str
    keys: tuple[str | int | None, ...]
    parts: TextParts


@dataclass(frozen=True, slots=True, order=True)
class ExternalRead:
    """A read from another flow run in the code of a step.

    Attributes:
        kind: what the pathspec names: "flow", "run", "step", "task" or "artifact"; or "trigger"
            for `current.trigger.run`. For a flow, it is not known which run is read.
        pathspec: as in `X/1` or `X/1/train`, with `{up}` for a value; of a trigger, the part after
            the flow run, such as `train`, and mostly empty.
        artifact: the name after `.data`, if one is read. A run has the artifacts of its last step;
            a step has the artifacts of any of its tasks.
        parts: the parts of the pathspec, as far as the code shows them; what they name may differ
            from `kind`. Empty: `pathspec` is complete.
        stored_run_ids: the ids of looked-up flow runs among these parts that the step stores.
        sure: whether it is certain that this is read; False: one of several is read.
    """

    kind: str
    pathspec: str = ""
    artifact: str | None = None
    parts: TextParts = ()
    stored_run_ids: frozenset[StoredRunId] = frozenset()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """A position in the source of a flow."""

    file: str  # path below the root
    line: int


@dataclass(frozen=True, slots=True)
class StepCode:
    """One step.

    Attributes:
        name: the step.
        line: the line where it begins, as Metaflow counts: compare with `GraphStep.line`.
        next: the steps that its `self.next` can lead to, sorted.
        reads: artifacts and parameters that it may read before it has certainly written them
            itself, including those that `foreach=` and `condition=` name.
        input_reads: artifacts that a join may read from its inputs.
        reads_input: whether it may read `self.input`.
        reads_foreach_stack: whether it may call `self.foreach_stack()`, which reads the items of
            all levels.
        writes: artifacts that it may assign.
        always_writes: artifacts that it assigns on every path to its end.
        deletes: artifacts that it may delete.
        merges: calls of `merge_artifacts`.
        externals: reads from other flow runs.
        doubts: why its reads are not certain, each with its line; empty: they are certain. With
            doubts, `reads` is a lower bound, and all that the parents have is the upper bound.
        followed: whether its code was followed at all; if not, only its line is known, and `doubts`
            has the reason.
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
