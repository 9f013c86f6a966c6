"""The pipes of a process that answers requests, with a time limit for each exchange.

A process that loaded a pickle may have been taken over by it, and may stop reading or writing at
any time, or answer without end.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

from mfwb.isolation.forkserver import Process

__all__ = ["Channel"]

_LONGEST_WAIT = 1_000_000.0  # seconds; what `poll` takes
_CHUNK_SIZE = 65_536  # bytes; what a pipe takes


class Channel:
    """Sends requests to a process and reads its answers, each of them a line; for one thread."""

    def __init__(self, process: Process) -> None:
        """Use the pipes of a process, which no one else may use."""
        self._process = process
        os.set_blocking(process.requests.fileno(), False)
        self._readable = select.poll()  # not on Windows, nor is the fork server
        self._readable.register(process.responses.fileno(), select.POLLIN)
        self._writable = select.poll()
        self._writable.register(process.requests.fileno(), select.POLLOUT)
        self._parts: list[bytes] = []  # of the next answer
        self._size = 0  # of these parts, in bytes

    def send(self, parts: Iterable[bytes], deadline: float) -> None:
        """Send a request; TimeoutError if the process does not read it in time.

        OSError if it has ended, ValueError if another thread has closed the pipes.

        Args:
            parts: its bytes.
            deadline: by the clock of `time.monotonic`, in seconds.
        """
        unsent = memoryview(b"".join(parts))
        while unsent:
            try:
                unsent = unsent[os.write(self._process.requests.fileno(), unsent) :]
            except BlockingIOError:  # noqa: PERF203 - as often as the pipe is full
                _wait(self._writable, deadline)

    def read_answer(self, deadline: float, limit: int) -> bytes:
        """Return the next answer, without the end of its line.

        Args:
            deadline: by the clock of `time.monotonic`, in seconds.
            limit: bytes that the answer may have.

        Raises:
            TimeoutError: it does not come in time.
            EOFError: the process has ended, or its answer is too long.
        """
        part = self._parts.pop() if self._parts else b""
        while b"\n" not in part:
            self._size += len(part)
            self._parts.append(part)
            if self._size > limit:
                raise EOFError("an answer that is too long")
            part = self._read(deadline)
        end, _, rest = part.partition(b"\n")
        answer = b"".join([*self._parts, end])
        self._parts, self._size = [rest], 0
        return answer

    def close(self) -> None:
        """Close both pipes."""
        for pipe in (self._process.requests, self._process.responses):
            with suppress(OSError):
                pipe.close()

    def _read(self, deadline: float) -> bytes:
        _wait(self._readable, deadline)
        data = os.read(self._process.responses.fileno(), _CHUNK_SIZE)
        if not data:
            raise EOFError("no answer")
        return data


def _wait(poll: select.poll, deadline: float) -> None:
    """Wait until a pipe is ready, or its other end is closed; TimeoutError after the deadline."""
    while not poll.poll(max(0.0, min(deadline - monotonic(), _LONGEST_WAIT)) * 1000):
        if monotonic() >= deadline:
            raise TimeoutError
