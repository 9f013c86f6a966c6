"""Payloads: the bytes of artifacts as the values and files that a W&B run needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mfwb.planning import Content, OutputArtifact, Plan, PlannedRun, Preview
from mfwb.ports.source import Contents, LogLine
from mfwb.snapshot import FlowRun, Loss

__all__ = [
    "Payloads",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
]


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
