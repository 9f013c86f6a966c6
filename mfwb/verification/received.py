"""A file that W&B returns: its size and its checksum, and a copy if its content is compared."""

from __future__ import annotations

import base64
import hashlib
from typing import BinaryIO

__all__ = ["ReceivedFile"]


class ReceivedFile:
    """Receives a file in parts, of which it keeps none; a `Receiver`.

    Attributes:
        size: in bytes, so far.
        is_copied: whether all of it is in the copy.
    """

    def __init__(self, copy: BinaryIO | None = None, max_copied: int = 0) -> None:
        """Receive nothing yet.

        Args:
            copy: a stream for a copy, which is truncated; None: there is no copy.
            max_copied: bytes that are copied at most; of a longer file the copy is not whole.
        """
        self._copy = copy
        self._max_copied = max_copied
        self.begin()

    def begin(self) -> None:
        """Drop what was received: the file is sent from its beginning."""
        self.size = 0
        self.is_copied = self._copy is not None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        if self._copy is not None:
            self._copy.seek(0)
            self._copy.truncate()

    def write(self, chunk: bytes) -> None:
        """Receive the next bytes."""
        self.size += len(chunk)
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self.is_copied = self.is_copied and self.size <= self._max_copied
        if self._copy is not None and self.is_copied:
            self._copy.write(chunk)

    @property
    def md5(self) -> str:
        """The md5 in base64, as W&B's manifests have it."""
        return base64.b64encode(self._md5.digest()).decode()

    @property
    def sha256(self) -> str:
        """The sha256 in hexadecimal."""
        return self._sha256.hexdigest()
