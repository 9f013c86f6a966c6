"""Writes the log of a bug to a file of its own, private to its user."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from threading import Lock

from mfwb.crash_log.secrets import known_secrets, redact, redact_values
from mfwb.crash_log.sections import issue_address, write_sections
from mfwb.files.private_files import create, make_folder
from mfwb.files.state_folder import state_folder
from mfwb.safe_text import one_line, printable

__all__ = ["BugLogs", "bug_reason", "format_traceback", "write_bug_log"]

_LOGS_LIMIT = 3  # of one call; more logs would hardly help
_LINE_LIMIT = 10_000  # letters of a log; messages may hold a megabyte
_MESSAGE_LIMIT = 500  # letters
_numbers = count(1)


class BugLogs:
    """The logs of one call; each of its flow runs may meet a bug."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._written = 0
        self._last: Path | None = None

    def reason(self, error: BaseException) -> str:
        """Write a log, up to the limit; return a line with the bug and the path of a log."""
        with self._lock:
            if self._written < _LOGS_LIMIT:
                self._last = write_bug_log(error, sys.argv[1:]) or self._last
                self._written += 1
            return bug_reason(error, self._last)


def bug_reason(error: BaseException, log: Path | None) -> str:
    """Return a line that reports a bug, the path of its log, and where to report it."""
    where = f"at {address}" if (address := issue_address()) else "to the maintainers of mfwb"
    log_part = f" with {log}" if log else "; no log of it could be written"
    problem = one_line(redact(f"{type(error).__name__}: {error}"), _MESSAGE_LIMIT)
    return f"this is a bug in mfwb ({problem}); report it {where}{log_part}"


def format_traceback(error: BaseException) -> str:
    """Return the traceback without secrets, and without control characters for a terminal."""
    text = redact("".join(traceback.format_exception(error)))
    return "\n".join(line[:_LINE_LIMIT] for line in printable(text).split("\n"))


def write_bug_log(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Write a log of a bug and return its path; None if it can't be written anywhere."""
    secrets = known_secrets()
    shown = " ".join(_quoted(argument, secrets) for argument in arguments)
    lines = [_to_line(redact_values(line, secrets)) for line in write_sections(shown)]
    text = "\n".join([*lines, format_traceback(error)])
    name = f"bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{next(_numbers)}.log"
    for folder in (state_folder(), Path(tempfile.gettempdir())):
        try:
            make_folder(folder)
            path = folder / name
            with create(path) as file:  # in a folder that all users share, no link is followed
                file.write(text.encode(errors="backslashreplace"))
        except OSError:
            continue
        return path
    return None


def _quoted(argument: str, secrets: frozenset[str]) -> str:
    """Return an argument as a shell takes it; quotes inside a secret would hide it later."""
    masked = redact_values(argument, secrets)
    return masked if shlex.quote(argument) == argument else shlex.quote(masked)


def _to_line(text: str) -> str:
    return printable(" ".join(text.splitlines()))[:_LINE_LIMIT]
