"""What Metaflow's client says of a flow run: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mfwb.snapshot import Datastore
from mfwb.snapshot.pathspec import parts_of, step_of
from mfwb.verification.expected.checkpoint_reference import Reference

__all__ = ["AttemptFacts", "CardFacts", "FlowRunFacts", "HeldArtifact", "TaskFacts", "TaskOutcome"]

TaskOutcome = Literal["ok", "caught", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class HeldArtifact:
    """An artifact that a task had at its end, whoever wrote it.

    Attributes:
        size: of the pickle, in bytes.
        type: the qualified name of its Python type; empty if it was not recorded.
        encoding: as Metaflow names it, for example `pickle-v4`.
    """

    name: str
    sha1: str
    size: int
    type: str
    encoding: str

    @property
    def is_pickle(self) -> bool:
        """Whether Metaflow stored a pickle, and not the bytes of another serializer."""
        return self.encoding.removeprefix("gzip+") in {"pickle-v2", "pickle-v4"}


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """An attempt of a task; times in epoch ms, None if they are not recorded."""

    number: int
    ok: bool | None
    started_at: int | None
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """A card: its type, its id if it has one, and the hash that names its file."""

    type: str
    id: str | None
    hash: str


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task.

    Attributes:
        path: as `Flow/123/train/4`.
        attempts: oldest first.
        held: artifacts by name, without Metaflow's internal ones and the parameters.
        next_steps: the steps that its `self.next` named.
        foreach: the artifact over whose items that was a foreach; None: it was none.
        indexes: its index in each foreach around it, outermost first.
        items_of: the artifact behind `self.input`; None outside of a foreach.
        rounds: of a recursion.
        is_control: whether it is the control task of an unbounded foreach.
        origin: the task that it is a clone of.
        metadata: newest values by name.
        exception: type, message and stack trace of what ended or was caught in its last attempt.
        earlier: messages of the exceptions of earlier attempts, by number.
        cards: those of its last attempt; None if the records leave that open.
        saved: its checkpoints and models, in the order of saving.
    """

    path: str
    outcome: TaskOutcome
    attempts: tuple[AttemptFacts, ...]
    held: Mapping[str, HeldArtifact]
    next_steps: tuple[str, ...] = ()
    foreach: str | None = None
    indexes: tuple[int, ...] = ()
    items_of: str | None = None
    rounds: tuple[int, ...] = ()
    is_control: bool = False
    origin: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    exception: tuple[str, str, str | None] | None = None
    earlier: Mapping[int, str] = field(default_factory=dict)
    cards: tuple[CardFacts, ...] | None = ()
    datastore: Datastore | None = None
    saved: tuple[Reference, ...] = ()

    @property
    def step(self) -> str:
        """The name of its step."""
        return step_of(self.path)

    @property
    def id(self) -> str:
        """Its id, the last part of its path."""
        return parts_of(self.path)[3]

    @property
    def label(self) -> str:
        """Its position among its siblings, as names of files have it: `3`; nested, `0/3`."""
        control = ("control",) if self.is_control else ()
        return "/".join(map(str, (*self.indexes, *self.rounds, *control))) or "0"

    @property
    def started_at(self) -> int | None:
        """When its last attempt began, in epoch ms."""
        return self.attempts[-1].started_at if self.attempts else None

    @property
    def ended_at(self) -> int | None:
        """When its last attempt ended, in epoch ms."""
        return self.attempts[-1].ended_at if self.attempts else None

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at) / 1000


@dataclass(frozen=True, slots=True)
class FlowRunFacts:
    """A flow run.

    Attributes:
        started_at: epoch ms.
        state: `finished`, `failed`, `abandoned`; or `running`: there is nothing to compare yet.
        parameters: the artifacts of parameters, configs and constants, by name.
        kinds: Metaflow's kind of each of them: `Parameter`, `Config`, `IncludeFile`, `constant`.
        steps: the tasks of each step, steps in the order of the graph.
        sources: the file of each step, as its recorded path on the machine where the flow ran.
        code: the user's files in Metaflow's code package by path; None without a package.
    """

    flow: str
    id: str
    user: str | None
    started_at: int
    state: str
    tags: frozenset[str]
    system_tags: frozenset[str]
    parameters: Mapping[str, HeldArtifact]
    kinds: Mapping[str, str]
    start_step: str
    end_step: str
    steps: Mapping[str, tuple[TaskFacts, ...]]
    step_types: Mapping[str, str]
    sources: Mapping[str, str]
    code: Mapping[str, str] | None
    datastore: Datastore | None
    graph: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """`Flow/123`."""
        return f"{self.flow}/{self.id}"

    @property
    def tasks(self) -> list[TaskFacts]:
        """All tasks, in the order of the steps."""
        return [task for tasks in self.steps.values() for task in tasks]
