"""Blobs of a cloud, streamed: looked up by one request, then requested in ranges.

The clients of Google and Azure download a whole blob, or ranges of it. Metaflow's own readers
download whole blobs to the current folder first, and take a missing bucket or container for a
missing blob.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mfwb.errors import ItemLost, SourceError
from mfwb.operations import note_operation
from mfwb.ports import BlobLocation
from mfwb.source.datastore.blobs import GONE, Blob, is_gzipped, read_start

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["CloudBlobs", "RangeReader", "StoredBlob"]

_FIRST_RANGE = 1 << 20  # bytes; most artifacts are smaller
_LARGEST_RANGE = 8 << 20  # bytes; eight readers keep one each in memory
_URI_DELIMITERS = frozenset("?#")  # at which the path ends for other programs


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of a cloud.

    Attributes:
        size: stored bytes.
        etag: without quotes.
        version: as W&B's references name it; None if the cloud keeps none.
        attributes: Metaflow's side metadata, as JSON.
        updated: when it was written.
        uri: as W&B's references take it; None if W&B could not follow it.
        fetch: returns the bytes from a position up to another one; SourceError, ItemLost.
    """

    size: int
    etag: str
    version: str | None
    attributes: str | None
    updated: datetime | None
    uri: str | None
    fetch: Callable[[int, int], bytes]


class CloudBlobs:
    """Reads the blobs that a function finds."""

    readers = 8  # the clients keep ten connections

    def __init__(
        self,
        look_up: Callable[[str], StoredBlob | None],
        list_names: Callable[[str], Iterator[str]] = lambda _: iter(()),
    ) -> None:
        """Use two functions of one cloud; both raise SourceError.

        Args:
            look_up: returns a blob; None: the cloud answers that there is none.
            list_names: yields the paths of all blobs below a folder, relative to it.
        """
        self._look_up = look_up
        self._list_names = list_names

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if the cloud answers that there is no such blob."""
        note_operation("datastore", f"open {path}")
        blob = self._look_up(path)
        if blob is None:
            yield None
            return
        written_at = None if blob.updated is None else round(blob.updated.timestamp() * 1000)
        reader = RangeReader(blob.fetch, blob.size)
        with io.BufferedReader(reader, min(_LARGEST_RANGE, max(blob.size, 1))) as stream:
            yield Blob(stream, is_gzipped(blob.attributes), written_at)

    def read_start(self, path: str, size: int) -> bytes | None:
        """Return the first bytes of a blob, at most `size`; None if there is no such blob."""
        return read_start(self, path, size)

    def locate(self, path: str) -> BlobLocation | None:
        """Return URI, size and ETag of a blob without reading it; ItemLost if it is gone."""
        blob = self._look_up(path)
        if blob is None:
            raise ItemLost(GONE)
        if blob.uri is None or _URI_DELIMITERS.intersection(blob.uri):
            return None
        return BlobLocation(
            blob.uri,
            blob.size,
            etag=blob.etag,
            gzipped=is_gzipped(blob.attributes),
            version=blob.version,
        )

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all blobs below a folder, relative to it."""
        note_operation("datastore", f"list {folder}")
        yield from self._list_names(folder)


class RangeReader(io.RawIOBase):
    """The bytes of a blob, one request per range; each range is twice as long as the one before.

    So the first bytes of a blob cost a short request, and a large blob takes few of them.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._range = _FIRST_RANGE

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Write the next bytes into a buffer and return their number; 0 at the end.

        Raises:
            SourceError: the cloud can't be read, or answers with another number of bytes.
        """
        view = memoryview(buffer)
        count = min(len(view), self._range, self._size - self._position)
        if count == 0:
            return 0
        data = self._fetch(self._position, self._position + count)
        if len(data) != count:
            raise SourceError(
                f"Metaflow's datastore answered with {len(data):,} bytes instead of {count:,}"
            )
        view[:count] = data
        self._position += count
        self._range = min(2 * self._range, _LARGEST_RANGE)
        return count
