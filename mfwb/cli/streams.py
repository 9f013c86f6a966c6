"""Output streams: stdout is for data, stderr for messages."""

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
    "can_encode_all_letters",
    "detach_closed_terminal",
    "install_streams",
    "is_stdout_lost",
    "keep_stdout_clean",
    "stdout_error",
    "write_block",
    "write_bytes",
    "write_error",
    "write_error_at_once",
    "write_out",
    "write_parts",
]

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LONGEST = 3 * LONGEST  # letters: a name and a reason, each of the greatest length


class _FailSafeStream(FileIO):
    """A stream that never fails: what can't be written is dropped, and the error is kept.

    click, rich and the SDKs print in the middle of the work, which must not end because of that.
    """

    trouble: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of the data; return how many bytes these are."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            try:
                written = super().write(rest)
            except OSError as error:
                self.trouble = self.trouble or error
                _discard_output(self.fileno())
                break
            if written is None:  # the reader made it non-blocking, and it is full
                select.select([], [self.fileno()], [])
            else:
                rest = rest[written:]
        return size


def install_streams() -> None:
    """Replace stdout and stderr of this process by streams that never fail.

    A closed stream is replaced by the null device; else the next file that is opened would get its
    descriptor, and all that is printed would be written to that file.
    """
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= _STDERR:  # which was closed
        pass
    os.close(lowest)
    sys.stdin = sys.stdin or open(_STDIN, encoding="utf-8")  # noqa: SIM115 - no file
    sys.stdout = _wrapped(_STDOUT, sys.stdout)
    sys.stderr = _wrapped(_STDERR, sys.stderr)


def _wrapped(descriptor: int, stream: TextIO | None) -> TextIO:
    """Return a stream that replaces another one; None: that one was closed."""
    raw = _FailSafeStream(descriptor, "w", closefd=False)
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


def stdout_error() -> str | None:
    """Return why something could not be written on stdout; None: all of it was written.

    It is not an error if a reader ends early, as `head` does.
    """
    error = _stdout_trouble()
    if error is None or isinstance(error, BrokenPipeError):
        return None
    return f"can't write to stdout: {error.strerror}"


def is_stdout_lost() -> bool:
    """Return whether all that follows on stdout is dropped: its reader ended, or its disk is full.

    What is written is flushed.
    """
    return _stdout_trouble() is not None


def _stdout_trouble() -> OSError | None:
    _flush(sys.stdout)
    trouble: OSError | None = getattr(getattr(sys.stdout, "buffer", None), "trouble", None)
    return trouble


@contextmanager
def keep_stdout_clean(*, quiet: bool) -> Iterator[None]:
    """Send to stderr what SDKs and their processes print on stdout meanwhile; drop it if quiet."""
    with ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8")) if quiet else None  # noqa: PTH123 - no file
        stack.enter_context(_descriptor_moved(_STDOUT, nowhere.fileno() if nowhere else _STDERR))
        stack.enter_context(redirect_stdout(nowhere or sys.stderr))
        if nowhere:
            stack.enter_context(redirect_stderr(nowhere))
        yield


@contextmanager
def _descriptor_moved(source: int, target: int) -> Iterator[None]:
    """Redirect a descriptor to another one, for this process and for those that it starts."""
    _flush(sys.stdout)
    try:
        original = os.dup(source)
    except OSError:  # it is closed, so nothing can be written on it
        yield
        return
    printed_to = sys.stdout
    try:
        os.dup2(target, source)
        yield
    finally:
        _flush(printed_to)  # text that is still in the buffer belongs to the target
        os.dup2(original, source)
        os.close(original)


def _flush(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        stream.flush()


def write_error(line: str) -> None:
    """Write one line on stderr, in mfwb's name; it stays one line of printable letters.

    Users and passwords in URLs are masked: logs of CI are kept, and read by others.
    """
    if "://" in line:
        from mfwb.redaction.urls import mask_url_users  # noqa: PLC0415 - hardly ever needed

        line = mask_url_users(line)
    write_block(f"mfwb: {one_line(line, _LONGEST)}\n")


def write_error_at_once(line: str) -> None:
    """Write one line on stderr as `write_error` does, without Python's buffer and locks.

    The line that shows progress on a terminal is removed before; without its module, there is none.
    """
    if progress := sys.modules.get("mfwb.report.progress"):
        progress.leave_terminal()
    with suppress(OSError):
        os.write(_STDERR, f"mfwb: {one_line(line, _LONGEST)}\n".encode())


def write_block(text: str) -> None:
    """Write lines on stderr; what could steer a terminal is escaped."""
    with suppress(OSError):  # in a hook, where streams are Metaflow's and may be closed
        sys.stderr.write(_fitting(printable(text), sys.stderr))


def write_out(text: str, *, plain: str | None = None) -> None:
    """Write data on stdout; `stdout_error` returns whether that failed.

    Args:
        text: the text to write.
        plain: the text to write instead if stdout can't encode every letter.
    """
    write_parts([text if plain is None or can_encode_all_letters(sys.stdout) else plain])


def write_bytes(data: bytes) -> None:
    """Write data on stdout as it is, whatever the encoding of the terminal."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a notebook, or a program that took stdout
        sys.stdout.write(data.decode("utf-8", "replace"))
    else:
        buffer.write(data)
    sys.stdout.flush()


def write_parts(parts: Iterable[str]) -> None:
    """Write data on stdout, part by part, as `write_out` does."""
    for part in parts:
        sys.stdout.write(_fitting(part, sys.stdout))
    sys.stdout.flush()


def can_encode_all_letters(stream: TextIO) -> bool:
    """Return whether a stream can encode every letter of Unicode."""
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _fitting(text: str, stream: TextIO) -> str:
    return fit_encoding(text, stream.encoding or "utf-8")


def detach_closed_terminal() -> None:
    """Drop all further output if the terminal is gone: each line would be an error."""
    for stream in (_STDOUT, _STDERR):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                _discard_output(stream)


def _discard_output(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
