"""Metaflow's side, read only: the flow runs of a provider and their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mfwb.files.allowed_files import AllowedFiles
from mfwb.planning import Content
from mfwb.snapshot import Card, FlowRun
from mfwb.snapshot.pathspec import Pathspec

__all__ = [
    "Contents",
    "Listed",
    "Located",
    "LogLine",
    "Source",
]


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
        """Return the runs of a flow, newest first; none of them is read. NotThere, Unreachable."""
        ...

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotThere, SourceError."""
        ...

    def contents(self, flow_run: FlowRun) -> Contents:
        """Return access to the bytes of a flow run that was read."""
        ...
