"""What the pipeline needs of the outside: a source, payloads, a sink and a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mfwb.outcome import FlowRunOutcome, OutputOutcome
from mfwb.planning import Content, OutputArtifact, Plan, PlannedRun, Preview
from mfwb.snapshot import Card, FlowRun, Loss
from mfwb.snapshot.pathspec import Pathspec

__all__ = [
    "Contents",
    "Destination",
    "Ledger",
    "Located",
    "LogLine",
    "Payloads",
    "Progress",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
    "Session",
    "Sink",
    "Source",
    "WrittenRun",
]


# --- Metaflow's side ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a task printed."""

    stream: str  # stdout or stderr
    time: int | None  # epoch ms
    text: str


@dataclass(frozen=True, slots=True)
class Located:
    """Where the bytes of an artifact lie, as Metaflow stored them.

    Attributes:
        uri: of the object, as W&B's references take it: s3://, gs://, https://, file://.
        size: of the object, in bytes; of a gzipped one this is less than the artifact's.
        etag: what the store says the object's content is, without quotes; None for a file.
        gzipped: whether the object is gzip around the bytes, as all but old imports are.
        version: of the object, if the store keeps versions.
    """

    uri: str
    size: int
    etag: str | None
    gzipped: bool
    version: str | None = None


class Contents(Protocol):
    """The bytes of one flow run, read on demand."""

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the bytes of small artifacts by sha1, checked; what can't be had is missing."""
        ...

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes of an artifact, unchecked; ItemLost if they can't be had."""
        ...

    def copy(self, content: Content, path: Path) -> str:
        """Stream an artifact's bytes, checked, into a file, and return their md5 in base64.

        ItemLost if they can't be had.
        """
        ...

    def locate(self, content: Content) -> Located | None:
        """Return where an artifact's bytes lie, without reading them.

        None if nobody else could follow a reference to them. ItemLost if they are gone;
        SourceError if the datastore does not answer.
        """
        ...

    def copy_included(self, content: Content, path: Path) -> None:
        """Write what an IncludeFile holds into a file; ItemLost if it can't be had."""
        ...

    def log(self, task: str) -> Iterable[LogLine]:
        """Return what a task printed, by time; ItemLost if it can't be had."""
        ...

    def card(self, task: str, card: Card) -> str:
        """Return a card's HTML; ItemLost if it can't be had."""
        ...


class Source(Protocol):
    """Metaflow, read only."""

    @property
    def provider(self) -> str:
        """Where the metadata comes from, as in `local@/data`."""
        ...

    def find(self, choice: Pathspec, last: int | None) -> list[Pathspec]:
        """Return the flow runs that are meant, oldest first; NotThere if there are none."""
        ...

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotThere, SourceError."""
        ...

    def contents(self, flow_run: FlowRun) -> Contents:
        """Return access to the bytes of a flow run that was read."""
        ...


# --- between the two ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """One file of a W&B artifact: on disk, or a reference to where it lies.

    Attributes:
        path: in the W&B artifact.
        size: in bytes; of a reference to a gzipped object the object's.
        local: the file on disk.
        md5: of that file, in base64, if it is known.
        uri: where it lies otherwise.
        etag: of the object at the URI, so that W&B can tell when another one lies there.
        version: of that object, if its store keeps versions.
        gzipped: whether the URI leads to a gzipped pickle, which people have to be told.
    """

    path: str
    size: int
    local: Path | None = None
    md5: str | None = None
    uri: str | None = None
    etag: str | None = None
    version: str | None = None
    gzipped: bool = False


@dataclass(frozen=True, slots=True)
class ReadyArtifact:
    """A W&B artifact whose files are at hand.

    Attributes:
        planned: name, type, aliases and metadata.
        files: what is in it.
        metadata: what only the bytes could tell, for W&B beside the planned metadata.
        description: for people, with the two lines of code that load it.
    """

    planned: OutputArtifact
    files: tuple[ReadyFile, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class ReadyTable:
    """The table of tasks."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class ReadyCard:
    """A card, as an HTML file."""

    key: str
    path: Path


@dataclass(frozen=True, slots=True)
class ReadyPreview:
    """What a W&B run shows of an artifact: a table, or else a file."""

    key: str  # in the summary
    kind: Preview
    table: ReadyTable | None = None  # of kind TABLE
    path: Path | None = None  # a PNG, or the JSON of a plotly figure


@dataclass(frozen=True, slots=True)
class ReadyRun:
    """All that one W&B run needs beside its plan."""

    summary: dict[str, Any]
    history: tuple[tuple[int, dict[str, float | int | str]], ...]  # (step, row), steps ascending
    table: ReadyTable | None
    artifacts: tuple[ReadyArtifact, ...]
    log: tuple[LogLine, ...] = ()
    cards: tuple[ReadyCard, ...] = ()
    previews: tuple[ReadyPreview, ...] = ()
    losses: tuple[Loss, ...] = ()


class Payloads(Protocol):
    """Bytes of artifacts -> values and files."""

    def look_inside(self, flow_run: FlowRun, contents: Contents) -> FlowRun:
        """Return the flow run with what only its bytes can tell.

        That is `names` of artifacts whose recorded type says too little, and the values of
        parameters.
        """
        ...

    def expect(self, plan: Plan) -> None:
        """Hear that W&B runs of a plan will be asked for, to begin with what takes a while."""
        ...

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values and files of one W&B run; what can't be had is among the losses."""
        ...

    def release(self, run: PlannedRun) -> None:
        """Hear that a W&B run is written: its files may go, unless another one needs them."""
        ...

    def close(self) -> None:
        """Remove the files that only the upload needed, and end what was begun."""
        ...


# --- W&B's side -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Destination:
    """Where W&B runs go: a server, or a bundle on disk."""

    mode: str  # online or offline
    base: str  # the server's URL, or the bundle's folder
    entity: str | None
    project: str


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """What became of one W&B run."""

    place: str  # its URL, or the folder of an offline W&B run
    outputs: tuple[OutputOutcome, ...]
    losses: tuple[Loss, ...]
    complete: bool = True  # False: something may yet arrive if it is tried again


class Session(Protocol):
    """W&B, opened for one flow run."""

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return what is there of a W&B run if all of this very plan is; else None."""
        ...

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Make one W&B run say what was planned; thread-safe within a level. SinkError."""
        ...


class Sink(Protocol):
    """W&B."""

    def destination(self, flow: str, *, ask: bool) -> Destination:
        """Return where the runs of a flow go.

        With `ask`, W&B is asked for the entity that the credentials stand for, if none was set;
        Unreachable if it can't be, or refuses them. Without, an entity may remain unknown.
        """
        ...

    def open(self, plan: Plan) -> AbstractContextManager[Session]:
        """Look at what is there, and get ready to write; NotOurs, SinkError, Unreachable."""
        ...


class Progress(Protocol):
    """Somebody who watches."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Hear that work on a flow run begins."""
        ...

    def wandb_runs(self, total: int) -> None:
        """Hear how many W&B runs it becomes."""
        ...

    def advance(self) -> None:
        """Hear that one of them is written."""
        ...


class Ledger(Protocol):
    """What was done, written down after it was done."""

    def outcome(self, destination: Destination, plan: Plan) -> FlowRunOutcome | None:
        """Return the outcome of this very plan at this destination, or None if it is not done."""
        ...

    def forget(self, destination: Destination, plan: Plan) -> None:
        """Drop what is known of a flow run, before it is written again."""
        ...

    def record(self, destination: Destination, plan: Plan, outcome: FlowRunOutcome) -> None:
        """Remember that a plan was carried out."""
        ...

    def outcomes(self) -> Iterator[FlowRunOutcome]:
        """Yield all that was recorded, by flow run."""
        ...
