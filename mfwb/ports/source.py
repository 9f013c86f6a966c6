"""Metaflow's side, read only: the flow runs of a provider and their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mfwb.files.allowed_files import AllowedFiles
from mfwb.planning import Consoles, Content
from mfwb.ports.listing import ListedFlowRun
from mfwb.snapshot import Card, FlowRun
from mfwb.snapshot.checkpoints import StoredReference
from mfwb.snapshot.pathspec import Pathspec

__all__ = [
    "BlobLocation",
    "CheckpointFile",
    "CodeFile",
    "Contents",
    "ExcludedCode",
    "LogLine",
    "Readable",
    "Source",
]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a task printed, or one in its place that has the number of excluded bytes."""

    stream: str  # stdout or stderr
    time: int | None  # epoch ms
    text: str
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class BlobLocation:
    """The location of an artifact's bytes as Metaflow stored them.

    Attributes:
        uri: of the object, as W&B's references take it: s3://, gs://, https://, file://.
        size: of the object, in bytes; if it is gzipped, this is less than the artifact's.
        etag: the store's checksum of the object, without quotes; None for a file.
        gzipped: whether the object is gzip around the bytes, as all but old imports are.
        version: of the object, if the store keeps versions.
    """

    uri: str
    size: int
    etag: str | None
    gzipped: bool
    version: str | None = None


class Readable(Protocol):
    """A stream of bytes that is read once, from the beginning to the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most so many; none at the end. SourceError, OSError."""
        ...


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A file of a checkpoint, or the reason why it is missing.

    Attributes:
        name: relative path in the checkpoint, as recorded.
        stream: its bytes, to be read before the next file is requested; None: it is missing.
        missing: why it is missing.
    """

    name: str
    stream: Readable | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file of a code package, open."""

    name: str  # path below the root of the package, with "/"
    data: Readable


@dataclass(frozen=True, slots=True)
class ExcludedCode:
    """What of a code package is not among the user's files."""

    own: int  # the number of Metaflow's own files
    unreadable: Mapping[str, str]  # reasons, by name


class Contents(Protocol):
    """The bytes of one flow run, read on demand."""

    @property
    def own_folder(self) -> Path | None:
        """The folder in which the flow run ran, if it is the user's own, on this machine."""
        ...

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the checked bytes of small artifacts by sha1, without those that can't be read."""
        ...

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes of an artifact, unchecked; ItemLost if they can't be read."""
        ...

    def copy(self, content: Content, path: Path) -> str:
        """Stream an artifact's bytes, checked, into a file, and return their md5 in base64.

        ItemLost if they can't be read.
        """
        ...

    def locate(self, content: Content) -> BlobLocation | None:
        """Return the location of an artifact's bytes, without reading them.

        None if other machines could not follow a reference to them. ItemLost if they are gone;
        SourceError if the datastore does not answer.
        """
        ...

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Write the content of an IncludeFile into a file, and return its md5 in base64.

        ItemLost if it can't be read, or has more bytes than are recorded or than the limit. Files
        of this machine are read only if they are allowed.
        """
        ...

    def check_included(self, content: Content, *, allowed: AllowedFiles, limit: int | None) -> None:
        """Raise ItemLost if `copy_included` would, as far as the first bytes show it."""
        ...

    def checkpoint_files(self, task: str, reference: StoredReference) -> Iterator[CheckpointFile]:
        """Yield the files of a checkpoint or model that an artifact of a task refers to.

        ItemLost if they are gone, or not as recorded, which may be known only after the last one.
        """
        ...

    def locate_checkpoint(
        self, task: str, reference: StoredReference
    ) -> list[tuple[str, BlobLocation]] | None:
        """Return name and location of each of these files; a tar has an empty name.

        None if other machines could not follow references to them. Errors as of `locate`.
        """
        ...

    def read_code(
        self, content: Content, packed: Path, keep: Callable[[CodeFile], None]
    ) -> ExcludedCode:
        """Call `keep` with each of the user's files in a code package; ItemLost if it is damaged.

        Args:
            content: the package.
            packed: where the package can be kept until then; the file is removed.
            keep: reads a file.
        """
        ...

    def log(self, task: str, *, max_bytes: int) -> Iterable[LogLine]:
        """Return the lines that a task printed, by time, of at most so many bytes; ItemLost.

        Where bytes are excluded, a line has their number.
        """
        ...

    def small_log_size(self, task: str, *, max_bytes: int) -> int | None:
        """Return the bytes of a task's log; None if `log` may leave out something of it."""
        ...

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card's HTML into a file; ItemLost if it can't be read."""
        ...


class Source(Protocol):
    """Metaflow's client, read only."""

    @property
    def provider(self) -> str:
        """The metadata provider, as in `local@/data`."""
        ...

    @property
    def consoles(self) -> Consoles:
        """The addresses of consoles in Metaflow's configuration, for links."""
        ...

    def flows(self) -> list[str]:
        """Return the names of all flows, sorted; Unreachable."""
        ...

    def list(self, flow: str) -> Sequence[ListedFlowRun]:
        """Return the runs of a flow, newest first, without reading them. NotFound, Unreachable."""
        ...

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotFound, SourceError."""
        ...

    def contents(self, flow_run: FlowRun) -> Contents:
        """Return access to the bytes of a flow run that was read."""
        ...
