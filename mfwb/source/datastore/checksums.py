"""Checksums of a stream; for large blobs in a separate thread, while the next chunk is read."""

from __future__ import annotations

import base64
import hashlib
from queue import Queue
from threading import Thread

__all__ = ["Digests", "md5_of"]

_SMALL = 8_000_000  # bytes; starting a thread takes longer than digesting these
_AHEAD = 8  # chunks


class Digests:
    """Computes the sha1 that Metaflow uses for a blob, and the md5 that W&B uses for a file."""

    def __init__(self, size: int) -> None:
        """Prepare for about so many bytes."""
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._chunks: Queue[bytes | None] | None = None
        self._thread: Thread | None = None
        if size > _SMALL:
            self._chunks = Queue(_AHEAD)
            self._thread = Thread(target=self._digest_all, args=(self._chunks,), daemon=True)
            self._thread.start()

    def update(self, chunk: bytes) -> None:
        """Add the next bytes."""
        if self._chunks is None:
            self._digest(chunk)
        else:
            self._chunks.put(chunk)

    def finish(self) -> None:
        """Stop: there are no more bytes, or the checksums are no longer needed."""
        if self._thread is not None and self._chunks is not None:
            self._chunks.put(None)
            self._thread.join()
            self._thread = None

    @property
    def sha1(self) -> str:
        """The sha1 in hexadecimal, after `finish`."""
        return self._sha1.hexdigest()

    @property
    def md5(self) -> str:
        """The md5 in base64, after `finish`."""
        return _in_base64(self._md5.digest())

    def _digest_all(self, chunks: Queue[bytes | None]) -> None:
        while (chunk := chunks.get()) is not None:
            self._digest(chunk)

    def _digest(self, chunk: bytes) -> None:
        self._sha1.update(chunk)
        self._md5.update(chunk)


def md5_of(data: bytes) -> str:
    """Return the md5 of some bytes in base64."""
    return _in_base64(hashlib.md5(data, usedforsecurity=False).digest())


def _in_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
