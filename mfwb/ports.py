"""What the pipeline needs of the outside: a source, payloads, a sink and a ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from mfwb.files.allowed_files import AllowedFiles
from mfwb.outcome import FlowRunOutcome, OutputOutcome, WandbRunOutcome
from mfwb.planning import Content, OutputArtifact, Plan, PlannedRun, Preview
from mfwb.snapshot import Card, FlowRun, Loss
from mfwb.snapshot.pathspec import Pathspec

__all__ = [
    "Bugs",
    "Cargo",
    "Contents",
    "Destination",
    "Entry",
    "FoundFlowRun",
    "Ledger",
    "Listed",
    "Located",
    "LogLine",
    "Payloads",
    "Progress",
    "Pushed",
    "Pusher",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
    "Session",
    "Sink",
    "Source",
    "Standing",
    "WrittenRun",
]


# --- Metaflow's side ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a task printed, or one that says how many bytes are left out in its place."""

    stream: str  # stdout or stderr
    time: int | None  # epoch ms
    text: str
    left_out: int = 0


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

    @property
    def own_folder(self) -> Path | None:
        """The folder that it ran in, if it is the user's own flow run of this machine."""
        ...

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

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Write what an IncludeFile holds into a file, and return its md5 in base64.

        ItemLost if it can't be had. Files of this machine count only if they are allowed; it may
        have no more bytes than are recorded, and than the limit says.
        """
        ...

    def log(self, task: str, *, most: int) -> Iterable[LogLine]:
        """Return what a task printed, by time, of at most so many bytes; ItemLost.

        Where something is left out, a line says so.
        """
        ...

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card's HTML into a file; ItemLost if it can't be had."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A flow run as a listing shows it: what is known of it before it is read.

    Attributes:
        pathspec: which one.
        started_at: epoch ms. Not what Metaflow calls created_at: a local run's moves by tagging.
        tags: the user's, sorted.
        system_tags: Metaflow's own, sorted; they never change.
    """

    pathspec: Pathspec
    started_at: int
    tags: tuple[str, ...]
    system_tags: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """What of it can change once it is over, as the ledger keeps it."""
        return "\n".join(self.tags)


class Source(Protocol):
    """Metaflow, read only."""

    @property
    def provider(self) -> str:
        """Where the metadata comes from, as in `local@/data`."""
        ...

    def flows(self) -> list[str]:
        """Return the names of all flows, sorted; Unreachable."""
        ...

    def list(self, flow: str) -> list[Listed]:
        """Return the runs of a flow, newest first; none of them is read. NotFound, Unreachable."""
        ...

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotFound, SourceError."""
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

    summary: dict[str, Any] = field(default_factory=dict)
    history: tuple[tuple[int, dict[str, float | int | str]], ...] = ()  # (step, row), ascending
    table: ReadyTable | None = None
    artifacts: tuple[ReadyArtifact, ...] = ()
    log: Collection[LogLine] = ()
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

    def decoded(self, wanted: Sequence[Content], contents: Contents) -> Mapping[str, Any]:
        """Return what small artifacts are, by sha1, as JSON; what can't be had is missing."""
        ...

    def expect(self, plan: Plan) -> None:
        """Hear that W&B runs of a plan will be asked for, to begin with what takes a while."""
        ...

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values, files and log of one W&B run; what can't be had is among the losses."""
        ...

    def values(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its values alone, with what is shown of them: summary, history, table, previews.

        The log, artifacts and cards are not read.
        """
        ...

    def files(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its files alone: artifacts and cards."""
        ...

    def log(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its log alone."""
        ...

    def release(self, run: PlannedRun) -> None:
        """Hear that a W&B run is written: its files may go, unless another one needs them."""
        ...

    def dismiss(self, plan: Plan) -> None:
        """Hear that no more will be asked for of a plan, however far it came."""
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
    """What became of one W&B run.

    Attributes:
        id: in W&B; another one than planned if that had been deleted.
        place: its URL, or the folder of an offline W&B run; empty if it was deleted.
        outputs: the artifacts that it logged.
        losses: what did not reach it, beside what was lost on the way to it.
        complete: False: something may yet arrive if it is tried again.
        deleted: somebody deleted it in W&B, so it stays away.
        trouble: what was wrong with W&B, if that is why it is not complete.
        amended: it was there, and its words were brought up to date.
        edits_kept: what others had changed there of what mfwb wrote, and that stayed.
        edits_undone: the same, that was written over.
    """

    id: str
    place: str
    outputs: tuple[OutputOutcome, ...]
    losses: tuple[Loss, ...]
    complete: bool = True
    deleted: bool = False
    trouble: str = ""
    amended: bool = False
    edits_kept: tuple[str, ...] = ()
    edits_undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundFlowRun:
    """What W&B says of a flow run that mfwb synced, or began to.

    Attributes:
        flow_run: its pathspec.
        provider: where it was read.
        started_at: epoch ms.
        group: the group of its W&B runs.
        wandb_runs: those that are there, by name; `complete` only if all is there that was planned.
    """

    flow_run: str
    provider: str
    started_at: int
    group: str
    wandb_runs: tuple[WandbRunOutcome, ...]


class Session(Protocol):
    """W&B, opened for one flow run."""

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return what is there of a W&B run, if that is all but for words and uses; else None."""
        ...

    def amend(self, run: PlannedRun, found: WrittenRun) -> WrittenRun:
        """Bring the words of a W&B run that was found up to date, and what it uses. SinkError.

        Words are names, tags and config. What it uses has to have been written before.
        """
        ...

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Make one W&B run say what was planned; thread-safe within a level. SinkError."""
        ...

    def confirm(self) -> Mapping[str, tuple[Loss, ...]]:
        """Ask W&B whether all that was written has arrived; SinkError if it has not.

        Returns:
            What was seen then that can't be mended, by the names of W&B runs.
        """
        ...


class Sink(Protocol):
    """W&B."""

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None: it goes to a server."""
        ...

    def destination(self, flow: str) -> Destination:
        """Return where the runs of a flow go; its entity may remain unknown.

        If W&B may be asked in this call, it is, for the entity that the credentials stand for, if
        none was given; Unreachable if it can't be, or refuses them.
        """
        ...

    def read_back(self, destination: Destination) -> Iterable[FoundFlowRun]:
        """Return all flow runs that W&B has from mfwb there, with a request per 100 W&B runs.

        SinkError, Unreachable.
        """
        ...

    def look_ahead(self, destination: Destination, groups: Sequence[str]) -> None:
        """Ask for all W&B runs of some groups at once, so that `open` need not ask for each.

        SinkError.
        """
        ...

    def open(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> AbstractContextManager[Session]:
        """Look at what is there, and get ready to write; NotOurs, SinkError, Unreachable.

        Args:
            plan: of a flow run.
            writer: the id of the ledger, which tells others who is at work.
            written: ids of W&B runs that were there once; those that are gone were deleted.
        """
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


class Unwatched:
    """Progress that nobody looks at."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Say nothing."""

    def wandb_runs(self, total: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""


class Bugs(Protocol):
    """Where errors are written down that nobody foresaw."""

    def reason(self, error: BaseException) -> str:
        """Write down an error; return the line that says so, for who reads of the failure."""
        ...


class Standing(str, Enum):
    """How far a flow run has come at a destination."""

    BEGUN = "begun"  # being written, or that was cut short
    RUNNING = "running"  # Metaflow was not done with it
    FAILED = "failed"  # it could not be synced
    INCOMPLETE = "incomplete"  # synced, but something may arrive if it is tried again
    SYNCED = "synced"
    LEFT_OUT = "left out"  # failed flow runs were not asked for, or no others

    @property
    def is_open(self) -> bool:
        """Whether the next sync has to look at it, however long ago it started."""
        return self not in (Standing.SYNCED, Standing.LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger holds of one flow run at one destination.

    Attributes:
        flow_run: its pathspec.
        provider: where it was read.
        destination: where it goes.
        standing: how far it has come.
        state: Metaflow's, when it was read last; empty: not read yet.
        started_at: epoch ms.
        listed: the stamp of the listing that the last sync saw; empty: it saw none.
        asked: the stamp of the settings of that sync.
        digest: of the plan that was carried out.
        reason: why it is not synced.
        outcome: what was done; None: nothing, or it was not asked for.
        at: when this was written, ISO 8601 in UTC; the ledger fills it in.
    """

    flow_run: str
    provider: str
    destination: Destination
    standing: Standing
    state: str = ""
    started_at: int = 0
    listed: str = ""
    asked: str = ""
    digest: str = ""
    reason: str = ""
    outcome: FlowRunOutcome | None = None
    at: str = ""


class Ledger(Protocol):
    """What was done, written down after it was done."""

    @property
    def id(self) -> str:
        """What tells this ledger from all others, for as long as it lives."""
        ...

    def lock(
        self, destinations: Iterable[Destination], *, wait: float
    ) -> AbstractContextManager[None]:
        """Keep other syncs with this ledger away from some entities and projects meanwhile.

        LockHeld if another one is at work there and is not done within `wait` seconds.
        """
        ...

    def entry(self, flow_run: str, provider: str, destination: Destination) -> Entry | None:
        """Return what is known of one flow run at one destination, its outcome included."""
        ...

    def entries(
        self,
        *,
        provider: str | None = None,
        destination: Destination | None = None,
        flow: str | None = None,
        since: int | None = None,
    ) -> list[Entry]:
        """Return what is known, oldest flow run first, without outcomes.

        Args:
            provider: only of flow runs that were read there.
            destination: only what went there.
            flow: only of this flow.
            since: only of flow runs that started then or later, in epoch ms, and open ones.
        """
        ...

    def stamps(self, *, provider: str, destination: Destination, flow: str) -> dict[str, str]:
        """Return what the listing said of each run of a flow that was synced, by pathspec."""
        ...

    def write(self, entry: Entry) -> None:
        """Put an entry in the place of what was known of its flow run at its destination."""
        ...


# --- from a bundle to a server ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cargo:
    """A flow run in a bundle.

    Attributes:
        entry: what the ledger has of its sync into the bundle.
        destination: where it goes.
        outcome: of that sync.
        written: ids of W&B runs that were there once.
    """

    entry: Entry
    destination: Destination
    outcome: FlowRunOutcome
    written: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, Destination]:
        """The key of the flow run in a push: the ledger has one entry of each."""
        return self.entry.flow_run, self.entry.provider, self.destination


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a flow run.

    Attributes:
        runs: its W&B runs, in the order of the flow; of a failed one those that are there.
        wrote: whether anything had to be written.
        reason: why it could not be pushed; empty: it was.
        superseded: the bundle has it no more: another sync put something in its place.
        bug: the error of ours that ended it, if that is why it could not be pushed.
    """

    cargo: Cargo
    runs: tuple[WandbRunOutcome, ...] = ()
    wrote: bool = True
    reason: str = ""
    superseded: bool = False
    bug: BaseException | None = None


class Pusher(Protocol):
    """The way from a bundle to a server."""

    def destination(self, bundled: Destination) -> Destination:
        """Return where goes what was synced into the bundle for some entity and project."""
        ...

    def push(self, cargo: Sequence[Cargo], *, writer: str, progress: Progress) -> Iterator[Pushed]:
        """Yield each flow run as soon as it is there, or can't be; Unreachable.

        Args:
            cargo: flow runs.
            writer: the id of the ledger, which tells others who is at work.
            progress: told how far it is.
        """
        ...
