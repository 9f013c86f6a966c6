"""stdout is data, stderr is talk: who may write where."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO

from mfwb.errors import MfwbError
from mfwb.safe_text import LONGEST, one_line, printable

__all__ = [
    "keep_stdout_clean",
    "leave_closed_terminal",
    "takes_all_letters",
    "write_block",
    "write_error",
    "write_out",
    "write_parts",
]

_STDOUT, _STDERR = 1, 2
_LONGEST = 3 * LONGEST  # letters: a name and a reason, each as long as can be


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


def write_block(text: str) -> None:
    """Write lines on stderr; what could steer a terminal is escaped."""
    with suppress(OSError):  # who closed stderr does not want to know
        sys.stderr.write(_fitting(printable(text), sys.stderr))


def write_out(text: str, *, plain: str | None = None) -> None:
    """Write data on stdout; a reader who left early is no error.

    Args:
        text: what to write.
        plain: what to write instead if stdout can't take all letters of it.

    Raises:
        MfwbError: if it can't be written, as on a full disk.
    """
    write_parts([text if plain is None or _fits(text, sys.stdout) else plain])


def write_parts(parts: Iterable[str]) -> None:
    """Write data on stdout, part by part, as `write_out` does; MfwbError."""
    try:
        for part in parts:
            sys.stdout.write(_fitting(part, sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
    except OSError as error:
        _give_up_stdout()
        raise MfwbError(f"can't write to stdout: {error.strerror}") from None


def _fits(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def takes_all_letters(stream: TextIO) -> bool:
    """Whether a stream has an encoding for every letter there is."""
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _fitting(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def leave_closed_terminal() -> None:
    """Let what is still written to a terminal that is gone vanish: it would be an error each."""
    for stream in (_STDOUT, _STDERR):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


def _give_up_stdout() -> None:
    """Let what is still in the buffer vanish, or Python would complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
