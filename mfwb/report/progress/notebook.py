"""Progress in a notebook: one line that is written over, which needs no widget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TextIO

from mfwb.report.progress.course import Course
from mfwb.report.progress.moments import moment_line
from mfwb.report.progress.ticker import ticking
from mfwb.safe_text import fit_encoding

__all__ = ["NotebookLine", "notebook_line"]

_WIDTH = 100  # columns, as in an output cell
_PAUSE = 0.2  # seconds; each line is a message to the browser


@contextmanager
def notebook_line(stream: TextIO) -> Iterator[Course]:
    """Yield progress in one line of a stream; it is removed at the end.

    It uses carriage returns only, which every notebook supports.
    """
    line = NotebookLine(stream)
    try:
        with ticking(line.show, _PAUSE):
            yield line.course
    finally:
        line.clear()


class NotebookLine:
    """One line of a stream that is written over."""

    def __init__(self, stream: TextIO) -> None:
        """Show nothing yet."""
        self.course = Course()
        self._stream = stream
        self._shown = ""
        self._is_over = False
        self._lock = Lock()

    def show(self) -> None:
        """Show what is going on now."""
        with self._lock:
            if not self._is_over:
                self._write(moment_line(self.course.now(), _WIDTH))

    def clear(self) -> None:
        """Remove the line, and show nothing any more."""
        with self._lock:
            self._is_over = True
            if self._shown:
                self._write("", "\r")

    def _write(self, text: str, end: str = "") -> None:
        """Overwrite the previous line, which may be longer."""
        text = fit_encoding(text, self._stream.encoding or "utf-8")
        if text == self._shown:
            return
        with suppress(OSError, ValueError):
            self._stream.write(f"\r{text.ljust(len(self._shown))}{end}")
            self._stream.flush()
        self._shown = text
