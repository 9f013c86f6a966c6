"""Progress on a terminal: a line at the bottom that moves, below those of ended flow runs.

The cursor stays visible and nothing is switched off or on, so that there is nothing to restore
after a sudden end, except for the line itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from threading import RLock
from typing import Any, TextIO, cast

from rich.cells import cell_len

from mfwb.ports import Ended
from mfwb.report.progress.course import Course
from mfwb.report.progress.moments import BAR, cut_line, fit_line, moment_line
from mfwb.report.progress.ticker import ticking
from mfwb.safe_text import fit_encoding, one_line

__all__ = ["TerminalDisplay", "leave_terminal", "terminal_display"]

_PAUSE = 0.125  # seconds between two looks at what is going on
_MAX_ENDINGS = 5  # lines of ended flow runs above the line that moves
_WIDEST = 120  # columns
_SIZE_IF_UNKNOWN = os.terminal_size((80, 24))
_START_OF_LINE, _ERASE_BELOW, _UP = "\r", "\x1b[J", "\x1b[{}A"
_PATIENCE = 0.2  # seconds that a sudden end waits for the display


@contextmanager
def terminal_display(
    stream: TextIO, reported: set[str], *, result_follows: bool
) -> Iterator[Course]:
    """Yield progress that is shown on a terminal; afterwards the terminal is as it was.

    The line of an ended flow run stays above. If the result of the call is printed on the same
    terminal, which says the same and more, it goes when the call ends, unless an error ends it.

    Args:
        stream: the terminal.
        reported: gets the pathspecs of flow runs that failed and have a line that stays.
        result_follows: whether the result is printed on the same terminal.
    """
    display = TerminalDisplay(stream, reported, result_follows=result_follows)
    _shown.append(display)
    try:
        with ticking(display.draw, _PAUSE), _printed_above(display, stream):
            yield display.course
    except BaseException:
        display.end(keep_endings=True)
        raise
    finally:
        display.end(keep_endings=False)
        _shown.remove(display)


def leave_terminal() -> None:
    """Remove the line that moves, for a sudden end of this process; nothing is drawn any more."""
    for display in _shown:
        display.leave()


class TerminalDisplay:
    """What is drawn at the bottom of a terminal, and all that is written above it."""

    def __init__(self, stream: TextIO, reported: set[str], *, result_follows: bool) -> None:
        """Draw nothing yet; arguments as of `terminal_display`."""
        self.course = Course(self._tell)
        self._stream = stream
        self._reported = reported
        self._result_follows = result_follows
        self._endings: list[str] = []  # that the result says again
        self._drawn: list[str] = []
        self._is_over = False
        self._lock = RLock()

    def draw(self) -> None:
        """Draw what is going on now, unless it is on the terminal already."""
        with self._lock:
            if self._is_over:
                return
            rows = self._rows()
            if rows != self._drawn:
                self._write(self._erased() + "\n".join(rows))
                self._drawn = rows

    def print_above(self, text: str) -> None:
        """Write whole lines that stay."""
        with self._lock:
            if self._is_over:
                self._write(text)
                return
            self._write(self._erased() + text)
            self.draw()

    def end(self, *, keep_endings: bool) -> None:
        """Remove all that was drawn, and draw nothing any more.

        Args:
            keep_endings: whether the lines of ended flow runs stay: no result says it again.
        """
        with self._lock:
            if not self._is_over:
                self._write(self._last_text(keep_endings=keep_endings))
                self._is_over = True

    def leave(self) -> None:
        """Do the same past all buffers, and without waiting for a terminal that is stopped."""
        got = self._lock.acquire(timeout=_PATIENCE)
        try:
            if not self._is_over:
                self._is_over = True
                with suppress(OSError, ValueError):
                    text = self._fitting(self._last_text(keep_endings=True))
                    os.write(self._stream.fileno(), text.encode(errors="replace"))
        finally:
            if got:
                self._lock.release()

    def _last_text(self, *, keep_endings: bool) -> str:
        endings = self._endings if keep_endings else []
        return self._erased() + "".join(f"mfwb: {line}\n" for line in endings)

    def _tell(self, line: str, ended: Ended) -> None:
        line = one_line(line)
        with self._lock:
            if self._result_follows:
                self._endings.append(line)
                self.draw()
            else:
                self._reported.add(ended.pathspec)
                self.print_above(f"mfwb: {line}\n")

    def _rows(self) -> list[str]:
        columns, lines = self._size()
        width = max(1, min(columns - 1, _WIDEST))  # in the last column, some terminals wrap
        room = max(0, min(_MAX_ENDINGS, lines - 2))
        shows_endings = room and self.course.is_of_several  # else the result comes at once
        endings = self._endings[-room:] if shows_endings else []
        ascii_only = self._fitting(BAR) != BAR
        moment = moment_line(self.course.now(), width, ascii_only=ascii_only)
        rows = [cut_line(ending, width) for ending in endings]
        return [self._fitting(row) for row in (*rows, fit_line(moment, width))]

    def _erased(self) -> str:
        """Return what moves the cursor to the start of what was drawn, and erases all from there.

        A terminal that became narrower has wrapped the rows.
        """
        if not self._drawn:
            return ""
        columns, _ = self._size()
        above = sum(max(1, -(-cell_len(row) // columns)) for row in self._drawn) - 1
        self._drawn = []
        return _START_OF_LINE + (_UP.format(above) if above else "") + _ERASE_BELOW

    def _size(self) -> os.terminal_size:
        size = _SIZE_IF_UNKNOWN
        with suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
        return size if size.columns > 0 else _SIZE_IF_UNKNOWN

    def _write(self, text: str) -> None:
        if text:
            with suppress(OSError, ValueError):  # the terminal is gone
                self._stream.write(self._fitting(text))
                self._stream.flush()

    def _fitting(self, text: str) -> str:
        return fit_encoding(text, self._stream.encoding or "utf-8")


_shown: list[TerminalDisplay] = []


class _Above:
    """A stream whose whole lines are written above what is drawn."""

    def __init__(self, stream: TextIO, display: TerminalDisplay) -> None:
        self._stream = stream
        self._display = display
        self._rest = ""
        self._lock = RLock()

    def write(self, text: str) -> int:
        """Write a text; the part after its last line break waits for the rest of its line."""
        with self._lock:
            lines, line_break, rest = (self._rest + text).rpartition("\n")
            self._rest = rest
            if line_break:
                self._display.print_above(f"{lines}\n")
        return len(text)

    def flush(self) -> None:
        """Do nothing: whole lines are written at once, and others wait."""

    def end(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._rest:
                self._display.print_above(f"{self._rest}\n")
            self._rest = ""

    def __getattr__(self, name: str) -> Any:
        """Return what the stream itself has, such as its encoding."""
        return getattr(self._stream, name)


@contextmanager
def _printed_above(display: TerminalDisplay, stream: TextIO) -> Iterator[None]:
    """Write above the display what this process prints on the terminal meanwhile."""
    above = _Above(stream, display)
    with ExitStack() as stack:
        stack.callback(above.end)
        if sys.stderr is stream:
            stack.enter_context(redirect_stderr(cast("TextIO", above)))
        if sys.stdout is stream:  # as in a command, where stdout is kept for its result
            stack.enter_context(redirect_stdout(cast("TextIO", above)))
        yield
