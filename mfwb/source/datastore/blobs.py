"""Bytes by path, whatever the datastore: what `FlowStore` needs of one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from mfwb.errors import ItemLost
from mfwb.ports import Located
from mfwb.source.json_records import BlobRecord, Readable, parse_json
from mfwb.source.typed_values import DamagedError

__all__ = ["GONE", "Blob", "Blobs", "is_gzipped"]

GONE = "its bytes are gone from Metaflow's datastore"
"""The reason of a loss."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One blob, opened."""

    stream: Readable  # as it is stored
    gzipped: bool
    written_at: int | None = None  # epoch ms; files tell, and S3


class Blobs(Protocol):
    """The blobs below the root of a datastore. Safe to use from several threads."""

    @property
    def readers(self) -> int:
        """How many blobs are best read at a time."""
        ...

    def open(self, path: str) -> AbstractContextManager[Blob | None]:
        """Yield a blob, or None if the datastore says that there is none.

        Raises:
            SourceError: if it says anything else, or nothing.
            ItemLost: if it has the blob, and this one blob can't be read.
        """
        ...

    def locate(self, path: str) -> Located | None:
        """Return where others find a blob, without reading it, or None if they can't.

        Raises:
            SourceError: as in `open`.
            ItemLost: as in `open`; also if there is no such blob.
        """
        ...


def is_gzipped(metadata: bytes | str | None) -> bool:
    """Tell by a blob's side metadata; old blobs have none, and are gzipped.

    Raises:
        ItemLost: it is damaged.
    """
    if metadata is None:
        return True
    try:
        return not parse_json(BlobRecord, metadata).cas_raw
    except DamagedError:
        raise ItemLost("what Metaflow's datastore says of its encoding is damaged") from None
