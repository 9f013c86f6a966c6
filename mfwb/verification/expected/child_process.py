"""A confined process that answers questions about pickles, one request at a time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

from mfwb.isolation.confine import confine_process
from mfwb.isolation.forkserver import Forkserver, Process
from mfwb.isolation.memory_limit import cap_memory, release_memory

__all__ = ["ChildEndedError", "ChildProcess", "answer_requests"]

_MAX_ANSWER = 256_000_000  # bytes
_CHUNK = 1 << 20  # bytes
_SECONDS = 10.0  # of processor time for a request
_SECONDS_PER_MB = 3.0
_PATIENCE = 10.0  # times that; then the process is killed


class ChildEndedError(Exception):
    """The process ended, or gave no valid answer."""


class ChildProcess:
    """Starts the process when it is needed first, and again when it ended; a context manager."""

    def __init__(self, program: str, max_memory: int, server: Forkserver | None = None) -> None:
        """Start nothing yet.

        Args:
            program: the module that the process runs.
            max_memory: bytes of memory that it may take.
            server: starts the process; it has the same module and limit, and stays open. None: a
                server of its own.
        """
        self._forkserver = server or Forkserver(program, max_memory)
        self._owns_server = server is None
        self._process: Process | None = None

    def __enter__(self) -> ChildProcess:  # noqa: PYI034 - no subclasses; Python 3.10 has no Self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        if self._owns_server:
            self._forkserver.close()

    def ask(self, question: dict[str, Any], blobs: Sequence[bytes | Path]) -> Any:
        """Return the answer to a question about some bytes, or those of some files, as JSON.

        ChildEndedError if there is none; the next question goes to a new process.
        """
        try:
            if self._process is None:
                self._process = self._forkserver.start_process(tempfile.gettempdir())
            return self._ask(self._process, question, blobs)
        except (OSError, ValueError) as error:
            self._end()
            raise ChildEndedError("reading it ended the process that read it") from error

    @staticmethod
    def _ask(process: Process, question: dict[str, Any], blobs: Sequence[bytes | Path]) -> Any:
        sizes = [blob.stat().st_size if isinstance(blob, Path) else len(blob) for blob in blobs]
        timer = Timer(_PATIENCE * _seconds(sum(sizes)), process.kill)
        timer.start()
        try:
            request = json.dumps({**question, "sizes": sizes}).encode()
            process.requests.write(request + b"\n")
            for blob in blobs:
                if isinstance(blob, Path):
                    with blob.open("rb") as file:
                        shutil.copyfileobj(file, process.requests, _CHUNK)
                else:
                    process.requests.write(blob)
            process.requests.flush()
            return json.loads(process.responses.readline(_MAX_ANSWER))
        finally:
            timer.cancel()

    def _end(self) -> None:
        if self._process is not None:
            for act in (
                self._process.requests.close,
                self._process.responses.close,
                self._process.kill,
            ):
                with suppress(OSError):
                    act()
            self._process = None


def answer_requests(
    max_memory: int,
    answer: Callable[[dict[str, Any], list[bytes]], Any],
    *,
    threads: int | None = None,
) -> None:
    """Run the process: give up all rights, then answer requests until there are no more.

    Args:
        max_memory: bytes of memory that this process may take for them.
        answer: returns JSON for a question and the bytes that came with it.
        threads: how many threads its libraries start; None: not known.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    release_memory()
    cap_memory(max_memory, threads=threads)
    confine_process((), ())
    with os.fdopen(0, "rb") as requests:
        for line in requests:
            question = json.loads(line)
            sizes = question.pop("sizes")
            signal.setitimer(signal.ITIMER_PROF, _seconds(sum(sizes)))
            blobs = [requests.read(size) for size in sizes]
            answers.write(json.dumps(answer(question, blobs)).encode() + b"\n")
            answers.flush()
            release_memory()
    os._exit(0)


def _seconds(size: int) -> float:
    return _SECONDS + _SECONDS_PER_MB * size / 1_000_000
