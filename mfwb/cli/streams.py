"""stdout is data, stderr is talk: who may write where."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from io import FileIO, TextIOWrapper
from typing import Any, TextIO, cast

from mfwb.safe_text import LONGEST, fit_encoding, one_line, printable

__all__ = [
    "keep_stdout_clean",
    "leave_closed_terminal",
    "say_at_once",
    "stdout_trouble",
    "take_streams",
    "takes_all_letters",
    "write_block",
    "write_error",
    "write_out",
    "write_parts",
]

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LONGEST = 3 * LONGEST  # letters: a name and a reason, each as long as can be


class _Kept(FileIO):
    """A stream that never fails: what can't be written vanishes, and why is kept.

    Whoever prints, be it click, rich or an SDK, does so somewhere in the middle of the work, which
    is not to end for that.
    """

    trouble: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of it; return how many bytes that are."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            try:
                written = super().write(rest)
            except OSError as error:
                self.trouble = self.trouble or error
                _send_nowhere(self.fileno())
                break
            if written is None:  # whoever reads it set it not to block, and it is full
                select.select([], [self.fileno()], [])
            else:
                rest = rest[written:]
        return size


def take_streams() -> None:
    """Let this process write on stdout and stderr by streams that never fail.

    One that is closed leads nowhere from now on; else the next file that is opened would take its
    place, and all that is printed would land in it.
    """
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= _STDERR:  # which was closed
        pass
    os.close(lowest)
    sys.stdin = sys.stdin or open(_STDIN, encoding="utf-8")  # noqa: SIM115 - no file
    sys.stdout = _taken(_STDOUT, sys.stdout)
    sys.stderr = _taken(_STDERR, sys.stderr)


def _taken(descriptor: int, stream: TextIO | None) -> TextIO:
    """Return a stream in the place of another one; None: it was closed."""
    raw = _Kept(descriptor, "w", closefd=False)
    if stream is None:
        return TextIOWrapper(cast("Any", raw), "utf-8", "backslashreplace")
    stream.flush()
    before = cast("TextIOWrapper", stream)
    return TextIOWrapper(
        cast("Any", raw),
        before.encoding,
        before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )


def stdout_trouble() -> str | None:
    """Return why something could not be written on stdout; None: all of it was.

    A reader who left early, as `head` does, is no trouble.
    """
    _flush(sys.stdout)
    error = getattr(getattr(sys.stdout, "buffer", None), "trouble", None)
    if error is None or isinstance(error, BrokenPipeError):
        return None
    return f"can't write to stdout: {error.strerror}"


@contextmanager
def keep_stdout_clean(*, quiet: bool) -> Iterator[None]:
    """Send to stderr, or nowhere, what SDKs and their processes print on stdout meanwhile."""
    with ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8")) if quiet else None  # noqa: PTH123 - no file
        stack.enter_context(_descriptor_moved(_STDOUT, nowhere.fileno() if nowhere else _STDERR))
        stack.enter_context(redirect_stdout(nowhere or sys.stderr))
        if nowhere:
            stack.enter_context(redirect_stderr(nowhere))
        yield


@contextmanager
def _descriptor_moved(source: int, target: int) -> Iterator[None]:
    """Let a descriptor mean another one, for us and for the processes we start."""
    _flush(sys.stdout)
    try:
        original = os.dup(source)
    except OSError:  # it is closed, so nothing can be spilled on it
        yield
        return
    printed_to = sys.stdout
    try:
        os.dup2(target, source)
        yield
    finally:
        _flush(printed_to)  # what somebody left in the buffer belongs to the other side
        os.dup2(original, source)
        os.close(original)


def _flush(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        stream.flush()


def write_error(line: str) -> None:
    """Write one line on stderr, in our name; whatever is in it stays one line of plain letters."""
    write_block(f"mfwb: {one_line(line, _LONGEST)}\n")


def say_at_once(line: str) -> None:
    """Write one line on stderr as `write_error` does, past whatever Python holds there."""
    with suppress(OSError):
        os.write(_STDERR, f"mfwb: {one_line(line, _LONGEST)}\n".encode())


def write_block(text: str) -> None:
    """Write lines on stderr; what could steer a terminal is escaped."""
    with suppress(OSError):  # in a hook, where streams are Metaflow's: who closed it knows
        sys.stderr.write(_fitting(printable(text), sys.stderr))


def write_out(text: str, *, plain: str | None = None) -> None:
    """Write data on stdout; whether that worked, `stdout_trouble` says.

    Args:
        text: what to write.
        plain: what to write instead if stdout has no encoding for every letter.
    """
    write_parts([text if plain is None or takes_all_letters(sys.stdout) else plain])


def write_parts(parts: Iterable[str]) -> None:
    """Write data on stdout, part by part, as `write_out` does."""
    for part in parts:
        sys.stdout.write(_fitting(part, sys.stdout))
    sys.stdout.flush()


def takes_all_letters(stream: TextIO) -> bool:
    """Whether a stream has an encoding for every letter there is."""
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _fitting(text: str, stream: TextIO) -> str:
    return fit_encoding(text, stream.encoding or "utf-8")


def leave_closed_terminal() -> None:
    """Let what is still written to a terminal that is gone vanish: it would be an error each."""
    for stream in (_STDOUT, _STDERR):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                _send_nowhere(stream)


def _send_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
