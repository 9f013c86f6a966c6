"""Interface of a datastore for `FlowStore`: bytes by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from mfwb.errors import ItemLost
from mfwb.ports import BlobLocation, Readable
from mfwb.source.json_records import BlobRecord, parse_json
from mfwb.source.typed_values import DamagedError

__all__ = ["GONE", "Blob", "Blobs", "is_gzipped", "read_start"]

GONE = "its bytes are gone from Metaflow's datastore"
"""Reason of a loss."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An open blob.

    Attributes:
        stream: the stored bytes.
        gzipped: whether they are compressed; or what finds that out, by reading another file.
        written_at: epoch ms; only of local files and S3.
    """

    stream: Readable
    gzipped: bool | Callable[[], bool]
    written_at: int | None = None

    @property
    def is_gzipped(self) -> bool:
        """Whether the stored bytes are compressed; ItemLost or SourceError if that is not known."""
        return self.gzipped if isinstance(self.gzipped, bool) else self.gzipped()


class Blobs(Protocol):
    """The blobs below the root of a datastore. Safe to use from several threads."""

    @property
    def readers(self) -> int:
        """The best number of blobs to read at a time."""
        ...

    def open(self, path: str) -> AbstractContextManager[Blob | None]:
        """Yield a blob, or None if the datastore answers that there is none.

        Raises:
            SourceError: if the datastore gives another answer, or none.
            ItemLost: if it has the blob, but only this blob can't be read.
        """
        ...

    def read_start(self, path: str, size: int) -> bytes | None:
        """Return the first stored bytes of a blob, at most `size`; else as `open`.

        Raises:
            OSError: if it breaks off; whoever reads all of it learns why.
        """
        ...

    def locate(self, path: str) -> BlobLocation | None:
        """Return the location of a blob for other machines, without reading it, or None.

        Raises:
            SourceError: as in `open`.
            ItemLost: as in `open`; also if there is no such blob.
        """
        ...

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all blobs below a folder, relative to it, in any order.

        Raises:
            SourceError: as in `open`.
        """
        ...


def read_start(blobs: Blobs, path: str, size: int) -> bytes | None:
    """Return the first bytes of an opened blob, as `Blobs.read_start` does."""
    with blobs.open(path) as blob:
        return None if blob is None else blob.stream.read(size)


def is_gzipped(metadata: bytes | str | None) -> bool:
    """Return whether a blob is gzipped, from its side metadata; without any, it is (old blobs).

    Raises:
        ItemLost: the side metadata is damaged.
    """
    if metadata is None:
        return True
    try:
        return not parse_json(BlobRecord, metadata).cas_raw
    except DamagedError:
        raise ItemLost("the record of its encoding in Metaflow's datastore is damaged") from None
