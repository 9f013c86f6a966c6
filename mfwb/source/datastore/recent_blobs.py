"""Small blobs of a flow run that were read lately, so that few are read twice.

A plan looks into many artifacts, and the W&B runs that are written next have their values; a model
is inspected and then copied. Four of ten reads, and in a cloud as many requests, are such second
ones.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

__all__ = ["RecentBlobs"]

_MAX_BYTES = 4_000_000
_ENTRY = 250  # bytes that Python takes for each, whatever its size: most artifacts are smaller
_LARGEST = 64_000  # bytes; of larger ones, reading is not what takes longest


class RecentBlobs:
    """Keeps the bytes that were used last; safe to use from several threads."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        """Keep so many bytes at most."""
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()  # by sha1, the last used at the end
        self._size = 0
        self._lock = Lock()

    def get(self, sha: str) -> bytes | None:
        """Return the bytes of a blob; None if they are not kept."""
        with self._lock:
            data = self._kept.get(sha)
            if data is not None:
                self._kept.move_to_end(sha)
        return data

    def add(self, sha: str, data: bytes) -> None:
        """Keep the bytes of a blob, unless they are many; those that were used longest ago go."""
        if len(data) > _LARGEST:
            return
        with self._lock:
            if sha in self._kept:
                return
            self._kept[sha] = data
            self._size += len(data) + _ENTRY
            while self._size > self._max_bytes:
                self._size -= len(self._kept.popitem(last=False)[1]) + _ENTRY
