"""The facts of one flow run, as frozen values. Times are epoch milliseconds (UTC)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mfwb.redaction import Masked
from mfwb.safe_text import one_line
from mfwb.snapshot.checkpoints import StoredReference
from mfwb.snapshot.identifiers import is_sha1
from mfwb.snapshot.pathspec import TaskPath, step_of

__all__ = [
    "ArtifactRef",
    "Attempt",
    "Card",
    "CodePackage",
    "Datastore",
    "Failure",
    "FlowRun",
    "FlowRunState",
    "ForeachFrame",
    "GraphStep",
    "Loss",
    "Parameter",
    "SourceCode",
    "Step",
    "Task",
    "TaskState",
    "Transition",
]


class TaskState(str, Enum):
    """How the latest attempt of a task ended."""

    OK = "ok"
    CAUGHT = "caught"  # it raised, and @catch let the flow go on
    FAILED = "failed"
    UNFINISHED = "unfinished"  # running, or killed before it recorded its end


class FlowRunState(str, Enum):
    """Whether a flow run is complete, or more of it will follow."""

    FINISHED = "finished"
    FAILED = "failed"
    RUNNING = "running"
    ABANDONED = "abandoned"  # it sent no heartbeat for so long that nothing more will follow


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the flow run that does not reach W&B, and why: a printable line each.

    Attributes:
        item: its name.
        reason: the reason.
    """

    item: str
    reason: str

    def __post_init__(self) -> None:
        """Turn both into single lines: they often hold names and errors from other programs."""
        object.__setattr__(self, "item", one_line(self.item))
        object.__setattr__(self, "reason", one_line(self.reason))


@dataclass(frozen=True, slots=True)
class Datastore:
    """Where Metaflow keeps the bytes of a task."""

    type: str  # Metaflow's name: local, s3, gs, azure
    root: str


PICKLES = frozenset({"pickle-v2", "pickle-v4", "gzip+pickle-v2", "gzip+pickle-v4"})
"""Metaflow's names of the encodings that are pickles; the datastore adds gzip."""


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """One artifact of a task, without its bytes."""

    name: str
    sha1: str  # of the uncompressed bytes that Metaflow's serializer made
    size: int  # of the same, in bytes
    type: str  # Python's qualified name, as in "pandas.core.frame.DataFrame"
    encoding: str  # as in "pickle-v4"
    names: tuple[str, ...] | None = None  # what its pickle refers to; None: not inspected
    content: str | None = None  # digest of the value, however pickled; None: not inspected
    only_named: tuple[str, ...] = ()  # those of `names` without an instance, such as a class
    characters: int | None = None  # of a value as JSON; None: not inspected
    is_relative: bool | None = None  # of a path; None: not inspected
    no_value: str = ""  # why it can't be a value in W&B's summary, if its type is one of values
    reference: StoredReference | None = None  # what it refers to, if it is such a reference
    media: str | None = None  # bytes or text that are a whole file: its format, as in "png"

    def __post_init__(self) -> None:
        """Raise ValueError if its sha1 is invalid: mfwb makes paths from it."""
        if not is_sha1(self.sha1):
            raise ValueError(f"{self.sha1!r:.60} is not a sha1")

    @property
    def is_pickle(self) -> bool:
        """Whether the bytes are a pickle, as recorded by Metaflow."""
        return self.encoding in PICKLES


@dataclass(frozen=True, slots=True)
class Parameter:
    """A `Parameter`, `Config`, `IncludeFile` or class constant and its value."""

    name: str
    kind: str  # Metaflow's name: Parameter, Config, IncludeFile; and constant
    ref: ArtifactRef
    value: Any = None  # JSON-safe; of an IncludeFile {"name", "size", "sha1"}
    no_value: str = ""  # why its value is not known as JSON, although its bytes may exist


@dataclass(frozen=True, slots=True)
class ForeachFrame:
    """One level of `foreach` a task runs in."""

    step: str
    var: str  # the artifact that is iterated over
    num_splits: int | None
    index: int
    item: Any = field(default=None, compare=False)  # what `self.input` was, in JSON types
    has_item: bool = field(default=False, compare=False)  # whether `item` is known


@dataclass(frozen=True, slots=True)
class Transition:
    """The `self.next` that a task actually took."""

    steps: tuple[str, ...]
    foreach: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended an attempt."""

    type: str
    message: str
    stacktrace: str | None = None
    is_whole: bool = True  # False: only the beginning was read


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task."""

    number: int
    ok: bool | None  # None: not recorded
    started_at: int | None
    finished_at: int | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A Metaflow card that a task rendered."""

    type: str
    id: str | None
    uuid: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task, as its latest attempt left it."""

    pathspec: str
    state: TaskState
    attempts: tuple[Attempt, ...] = ()
    artifacts: tuple[ArtifactRef, ...] = ()  # the user's own, sorted by name
    transition: Transition | None = None  # None: the last step, or it failed
    foreach: tuple[ForeachFrame, ...] = ()
    rounds: tuple[int, ...] = ()  # of a recursive step
    origin: str | None = None  # pathspec of the task that this one is a clone of
    failure: Failure | None = None
    datastore: Datastore | None = None
    metadata: dict[str, str] = field(default_factory=dict)  # what may be published
    cards: tuple[Card, ...] = ()
    is_control: bool = False  # it only started the tasks of an unbounded foreach; it has no index
    saved: tuple[StoredReference, ...] = ()  # checkpoints and models, in the order of saving
    loaded: tuple[str, ...] = ()  # keys of checkpoints and models that were loaded at its start

    @property
    def step(self) -> str:
        """The step's name."""
        return step_of(self.pathspec)

    @property
    def id(self) -> str:
        """Metaflow's task id."""
        return TaskPath.of(self.pathspec).task

    @property
    def index(self) -> int:
        """The position among the siblings of the innermost foreach, from 0."""
        return self.foreach[-1].index if self.foreach else 0

    @property
    def started_at(self) -> int | None:
        """The time when the latest attempt began."""
        return self.attempts[-1].started_at if self.attempts else None

    @property
    def finished_at(self) -> int | None:
        """The time when the latest attempt ended."""
        return self.attempts[-1].finished_at if self.attempts else None

    def artifact(self, name: str) -> ArtifactRef | None:
        """The artifact of that name, or None if the task has none."""
        return next((ref for ref in self.artifacts if ref.name == name), None)


@dataclass(frozen=True, slots=True)
class Step:
    """One step and its tasks, sorted by foreach position."""

    name: str
    tasks: tuple[Task, ...]
    type: str | None = None  # of the graph: start, linear, join, split-static, ...
    doc: str = ""

    @property
    def is_foreach(self) -> bool:
        """Whether the tasks of this step are siblings of a foreach."""
        return any(task.foreach for task in self.tasks)


@dataclass(frozen=True, slots=True)
class GraphStep:
    """A step as Metaflow's parser recorded it when the flow began, whether or not it ran.

    A resumed flow run records the graph of its origin.
    """

    name: str
    type: str | None = None  # start, linear, join, split-static, split-foreach, split-switch, ...
    line: int | None = None  # where the step begins in its file, as Metaflow counts
    file: str | None = None  # where it was, on the machine that ran it
    next: tuple[str, ...] = ()
    foreach: str | None = None  # the artifact that is iterated over
    condition: str | None = None  # the artifact that a switch depends on


@dataclass(frozen=True, slots=True)
class SourceCode:
    """The source of a flow as text. It is read, never run."""

    script: str  # which of the files defines the flow
    files: dict[str, str]  # text by path relative to the root, with "/"
    origin: str  # "package": Metaflow's code package; "file": the path of the step in the graph
    changed_at: int | None = None  # of files: when the last one was written, in epoch ms


@dataclass(frozen=True, slots=True)
class CodePackage:
    """A package of the flow's code in Metaflow's datastore."""

    task: str  # pathspec of the first task that ran it
    sha1: str  # of the package
    ds_type: str  # of the datastore that has it
    archive_format: str = "tgz"

    @property
    def pathspec(self) -> str:
        """The name of its loss."""
        return f"{self.task}/{CODE_PACKAGE}"


CODE_PACKAGE = "code-package"
"""Metaflow's name of a task's record of its code package."""


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One flow run: `Flow/123` and all that Metaflow recorded of it."""

    flow: str
    id: str
    state: FlowRunState
    provider: str  # of the metadata, as in "local@/data" or "service@https://..."
    user: str | None
    started_at: int  # epoch ms
    finished_at: int | None
    tags: tuple[str, ...]
    system_tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]  # in the order of the graph
    start_step: str = "start"
    end_step: str = "end"
    doc: str = ""
    losses: tuple[Loss, ...] = ()  # items that could not be read
    graph: tuple[GraphStep, ...] = ()  # empty: from a Metaflow that did not record it yet
    code: SourceCode | None = None
    code_missing: str = ""  # why there is no code
    masked: tuple[Masked, ...] = ()  # its items in which secrets were masked
    code_packages: tuple[CodePackage, ...] = ()  # each content once; clones have their origin's

    @property
    def pathspec(self) -> str:
        """The pathspec of the flow run in Metaflow."""
        return f"{self.flow}/{self.id}"

    @property
    def tasks(self) -> Iterator[Task]:
        """All tasks, step by step."""
        for step in self.steps:
            yield from step.tasks
