"""The bytes of a pickle, in memory or in a file, which is not read into memory as a whole."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

__all__ = ["Source", "hollow", "mapped", "opened"]

Source = bytes | Path
"""A pickle, or the file of one, which must not change while it is read."""

_HOLLOW_FROM = 1_000_000
"""Bytes. What the unpickler reads in pieces of that size is data: no name, no opcodes."""


@contextmanager
def mapped(source: Source) -> Iterator[bytes]:
    """Yield the bytes of a pickle; those of a file stay on disk until they are looked at."""
    if isinstance(source, bytes):
        yield source
    elif not source.stat().st_size:  # which can't be mapped
        yield b""
    else:
        with (
            source.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            yield cast("bytes", data)  # all that is done with it can be done with either


def opened(source: Source) -> BinaryIO:
    """Return a file of a pickle, to be read from its start."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def hollow(source: Source) -> BinaryIO:
    """Return a file of a pickle in which large `bytes` are as long as they are, and unknown.

    Who only looks at what a pickle does need not wait for its data, nor take memory for it.
    """
    if isinstance(source, bytes):
        return _HollowBytes(source)
    return _HollowFile(io.FileIO(source))


class _HollowBytes(io.BytesIO):
    def readinto(self, target: Any, /) -> int:
        size = len(target)
        return super().readinto(target) if size < _HOLLOW_FROM else _skip(self, size)


class _HollowFile(io.BufferedReader):
    def readinto(self, target: Any, /) -> int:
        size = len(target)
        return super().readinto(target) if size < _HOLLOW_FROM else _skip(self, size)


def _skip(file: BinaryIO, size: int) -> int:
    """Go past so many bytes; return how many of them there were."""
    start = file.tell()
    end = min(start + size, file.seek(0, io.SEEK_END))
    file.seek(end)
    return end - start
