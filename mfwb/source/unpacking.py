"""Stored blobs -> the bytes of artifacts, in chunks: bounded, and checked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, cast

from mfwb.errors import ItemLost, SourceError
from mfwb.source.blobs import Blob
from mfwb.source.digests import Digests
from mfwb.source.records import Readable

__all__ = ["unpacked"]

_CHUNK = 1 << 20

# Each version of Metaflow since 2.0 records sizes: who has none is a stranger. Zeros shrink to a
# thousandth, and nothing to less; tables and models rarely to a tenth.
_FREE = 32_000_000  # bytes
_GROWTH = 100

# Who records a size may be a stranger, too.
_FREE_IF_RECORDED = 500_000_000  # bytes
_GROWTH_IF_RECORDED = 200

_DAMAGE = (gzip.BadGzipFile, EOFError, zlib.error)


def unpacked(blob: Blob, sha: str, most: int | None, digests: Digests) -> Iterator[bytes]:
    """Yield the bytes of an artifact in chunks of at most 1 MiB.

    What was yielded is good only if the end is reached: the sha1 is known no sooner.

    Args:
        blob: as it is stored.
        sha: the recorded sha1 of the bytes.
        most: bytes that there may be; of what unpacks to more, little more is unpacked. None:
            nothing is recorded. What grows far beyond what is stored is not unpacked either.
        digests: take all bytes; they are finished at the end.

    Raises:
        ItemLost: if it is damaged, too large, or has another sha1.
        SourceError: if it can't be read.
    """
    count = 0
    stored = _Counted(blob.stream)
    stream = gzip.GzipFile(fileobj=cast("IO[bytes]", stored)) if blob.gzipped else stored
    while chunk := _next(stream):
        count += len(chunk)
        if most is not None and count > most:
            raise ItemLost("Metaflow's datastore has more bytes of it than are recorded")
        if most is None and count > _FREE + _GROWTH * stored.size:
            raise ItemLost(
                f"it unpacks to more bytes than {_GROWTH} times what is stored of it, "
                "and no size of it is recorded"
            )
        if count > _FREE_IF_RECORDED + _GROWTH_IF_RECORDED * stored.size:
            raise ItemLost(
                f"it unpacks to more than {_FREE_IF_RECORDED:,} bytes, and to more than "
                f"{_GROWTH_IF_RECORDED} times what is stored of it"
            )
        digests.update(chunk)
        yield chunk
    digests.finish()
    if digests.sha1 != sha:
        raise ItemLost("its bytes in Metaflow's datastore don't have the recorded sha1")


class _Counted:
    """A stream that knows how much was read of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most so many."""
        chunk = self._stream.read(size)
        self.size += len(chunk)
        return chunk


def _next(stream: Readable) -> bytes:
    try:
        return stream.read(_CHUNK)
    except _DAMAGE as error:
        raise ItemLost(f"its bytes in Metaflow's datastore are damaged: {error}") from None
    except OSError as error:
        raise SourceError(f"Metaflow's datastore can't be read: {error}") from error
