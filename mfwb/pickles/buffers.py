"""Access to the bytes of a pickle, in memory or in a file that is not read as a whole."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

__all__ = ["Source", "map_source", "open_source", "open_without_data"]

Source = bytes | Path
"""A pickle, or its file, which must not change while it is read."""

_SKIP_SIZE = 1_000_000
"""Bytes. A single read of this size is data: it holds no names and no opcodes."""


@contextmanager
def map_source(source: Source) -> Iterator[bytes]:
    """Yield the bytes of a pickle; a file is mapped, so its bytes stay on disk until accessed."""
    if isinstance(source, bytes):
        yield source
    elif not source.stat().st_size:  # an empty file can't be mapped
        yield b""
    else:
        with (
            source.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            yield cast("bytes", data)  # callers use only what bytes and mmap have in common


def open_source(source: Source) -> BinaryIO:
    """Return an open file of the pickle, at its start."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def open_without_data(source: Source) -> BinaryIO:
    """Return an open file of the pickle that skips large `bytes`: right length, undefined content.

    The preflight needs no data, so it does not wait for it and takes no memory for it.
    """
    if isinstance(source, bytes):
        return _BytesWithoutData(source)
    return _FileWithoutData(io.FileIO(source))


class _BytesWithoutData(io.BytesIO):
    def readinto(self, target: Any, /) -> int:
        size = len(target)
        return super().readinto(target) if size < _SKIP_SIZE else _skip(self, size)


class _FileWithoutData(io.BufferedReader):
    def readinto(self, target: Any, /) -> int:
        size = len(target)
        return super().readinto(target) if size < _SKIP_SIZE else _skip(self, size)


def _skip(file: BinaryIO, size: int) -> int:
    """Skip up to `size` bytes; return how many were skipped."""
    start = file.tell()
    end = min(start + size, file.seek(0, io.SEEK_END))
    file.seek(end)
    return end - start
