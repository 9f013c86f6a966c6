"""Log of one W&B run, kept on disk until it is sent: logs can be large."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from mfwb.ports import LogLine

__all__ = ["SpooledLog"]

_IN_MEMORY = 256_000
"""Bytes; most logs are smaller. `tempfile.SpooledTemporaryFile` would warn of each not closed."""


class SpooledLog(Collection[LogLine]):
    """Log lines that are written once, and then read from the beginning any number of times."""

    def __init__(self) -> None:
        self._file: IO[bytes] = BytesIO()
        self._is_on_disk = False
        self._count = 0
        self.lines = 0  # without those that only say how much is left out
        self.bytes_left_out = 0
        self.size = 0  # bytes that it takes

    def add(self, line: LogLine) -> int:
        """Store a line; return the number of bytes that it takes."""
        size = 0
        for text in line.text.split("\n"):
            moment = "" if line.time is None else line.time
            record = f"{moment} {line.stream} {line.left_out} {text}\n"
            size += self._file.write(record.encode("utf-8", "backslashreplace"))
            self._count += 1
            self.lines += not line.left_out
        self.bytes_left_out += line.left_out
        self.size += size
        if not self._is_on_disk and self._file.tell() > _IN_MEMORY:
            self._move_to_disk()
        return size

    def close(self) -> None:
        """Delete the stored lines."""
        self._file.close()
        self._count = 0

    def _move_to_disk(self) -> None:
        moved = TemporaryFile()  # noqa: SIM115 - `close` does
        self._file.seek(0)
        shutil.copyfileobj(self._file, moved)
        self._file, self._is_on_disk = moved, True

    def __len__(self) -> int:
        """Return how many lines there are."""
        return self._count

    def __iter__(self) -> Iterator[LogLine]:
        """Yield the lines; only one reader at a time."""
        if not self._count:
            return
        self._file.seek(0)
        for data in self._file:
            moment, stream, left_out, text = data.decode("utf-8")[:-1].split(" ", 3)
            yield LogLine(stream, int(moment) if moment else None, text, int(left_out))

    def __contains__(self, line: object) -> bool:
        """Whether there is such a line."""
        return any(stored == line for stored in self)
