"""Uploaded bytes: small ones in memory, large ones in a file, so that memory stays small."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_IN_MEMORY = 1 << 20
_serial = itertools.count()


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that were uploaded once and never change."""

    content: bytes | Path
    size: int
    md5: bytes

    def read(self) -> bytes:
        """Return all bytes."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    @property
    def md5_base64(self) -> str:
        """Return the digest as artifact manifests write it."""
        return base64.b64encode(self.md5).decode()

    @property
    def md5_hex(self) -> str:
        """Return the digest as download addresses write it."""
        return self.md5.hex()


class BlobWriter:
    """Takes an upload piece by piece and ends up with a blob."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head = bytearray()
        self._path: Path | None = None
        self._hash = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Add the next piece."""
        self._hash.update(piece)
        self.size += len(piece)
        self._head += piece
        if len(self._head) > _IN_MEMORY:
            self._spill()

    def close(self) -> Blob:
        """Return the blob of all pieces."""
        if self._path is None:
            return Blob(bytes(self._head), self.size, self._hash.digest())
        self._spill()
        return Blob(self._path, self.size, self._hash.digest())

    def _spill(self) -> None:
        if self._path is None:
            self._path = self._folder / f"blob-{next(_serial)}"
        with self._path.open("ab") as file:
            file.write(self._head)
        self._head.clear()


class Files(Mapping[str, bytes]):
    """Uploaded files by name; the bytes are read when they are asked for."""

    def __init__(self, blobs: Mapping[str, Blob]) -> None:
        self._blobs = dict(sorted(blobs.items()))

    def __getitem__(self, name: str) -> bytes:
        return self._blobs[name].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)

    def __repr__(self) -> str:
        return f"Files({list(self._blobs)})"

    def size(self, name: str) -> int:
        """Return the number of bytes of a file without reading it."""
        return self._blobs[name].size

    def md5(self, name: str) -> str:
        """Return the base64 MD5 of a file without reading it."""
        return self._blobs[name].md5_base64
