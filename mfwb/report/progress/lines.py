"""Progress where there is no terminal: whole lines, without any control character."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from mfwb.ports import Ended
from mfwb.report.progress.course import Course
from mfwb.report.progress.moments import moment_sentence
from mfwb.safe_text import fit_encoding, printable

__all__ = ["SILENCE", "printed_lines", "write_line"]

SILENCE = 30.0
"""Seconds without a line after which one says what is going on."""


def write_line(stream: TextIO, line: str) -> None:
    """Write a line in mfwb's name; what can't be written is not worth an error."""
    with suppress(OSError, ValueError):
        stream.write(fit_encoding(f"mfwb: {printable(line)}\n", stream.encoding or "utf-8"))
        stream.flush()


@contextmanager
def printed_lines(stream: TextIO, reported: set[str], silence: float) -> Iterator[Course]:
    """Yield progress that prints a line for each flow run, and one if that takes long.

    Args:
        stream: what is written to.
        reported: gets the pathspecs of flow runs that failed and have a line.
        silence: seconds without a line after which one says what is going on.
    """
    lines = _Lines(stream, reported, silence)
    thread = threading.Thread(target=lines.watch, name="mfwb-progress", daemon=True)
    thread.start()
    try:
        yield lines.course
    finally:
        lines.end()


class _Lines:
    def __init__(self, stream: TextIO, reported: set[str], silence: float) -> None:
        self.course = Course(self._tell)
        self._stream = stream
        self._reported = reported
        self._silence = silence
        self._has_reported = threading.Event()  # a line was written, or the end has come
        self._is_over = False
        self._lock = threading.Lock()

    def watch(self) -> None:
        """Write a line whenever there was none for a while, until the end."""
        while not self._is_over:
            if self._has_reported.wait(self._silence):
                self._has_reported.clear()
            elif self.course.is_under_way:
                with self._lock:
                    if not self._is_over:
                        write_line(self._stream, moment_sentence(self.course.now()))

    def end(self) -> None:
        """Write nothing any more."""
        with self._lock:
            self._is_over = True
        self._has_reported.set()

    def _tell(self, line: str, ended: Ended) -> None:
        with self._lock:
            write_line(self._stream, line)
        self._reported.add(ended.pathspec)
        self._has_reported.set()
