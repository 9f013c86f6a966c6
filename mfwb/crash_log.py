"""Logs of bugs: all that is needed to understand them, without secrets."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib import metadata
from itertools import count
from pathlib import Path
from threading import Lock

from mfwb.files.private_files import create, make_folder
from mfwb.safe_text import one_line, printable
from mfwb.version import __version__

__all__ = ["BugLogs", "bug_reason", "format_traceback", "redact", "write_bug_log"]

_PACKAGES = ("metaflow", "wandb", "click", "pandas", "platformdirs", "pyarrow", "pydantic", "rich")
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_OF_URL = re.compile(r"(://[^\s?'\"]+\?)[^\s'\"]+")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 8  # shorter values could also occur in normal words
_LOGS_LIMIT = 3  # of one call; more logs would hardly help
_LINE_LIMIT = 10_000  # letters of a log; messages may hold a megabyte
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
    """Return a line that reports a bug and the path of its log."""
    where = f"report it with {log}" if log else "no log of it could be written"
    problem = one_line(redact(f"{type(error).__name__}: {error}"), _MESSAGE_LIMIT)
    return f"this is a bug in mfwb ({problem}); {where}"


_MESSAGE_LIMIT = 500  # letters


def format_traceback(error: BaseException) -> str:
    """Return the traceback without secrets, and without control characters for a terminal."""
    text = redact("".join(traceback.format_exception(error)))
    return "\n".join(line[:_LINE_LIMIT] for line in printable(text).split("\n"))


def write_bug_log(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Write a log of a bug and return its path; None if it can't be written anywhere."""
    text = "\n".join([*map(redact, _lines(arguments)), format_traceback(error)])
    name = f"bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{next(_numbers)}.log"
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        try:
            make_folder(folder)
            path = folder / name
            with create(path) as file:  # in a folder that all users share, no link is followed
                file.write(text.encode(errors="backslashreplace"))
        except OSError:
            continue
        return path
    return None


def redact(text: str) -> str:
    """Return the text without secrets of the environment, and without others that look like one."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return _QUERY_OF_URL.sub(r"\1***", _USER_IN_URL.sub("***@", text))


def _state_folder() -> Path:
    if folder := os.environ.get("MFWB_STATE_DIR"):
        return Path(folder)
    from platformdirs import user_state_path  # noqa: PLC0415 - hardly ever needed

    return user_state_path("mfwb")


def _lines(arguments: Sequence[str]) -> Iterator[str]:
    yield f"mfwb {__version__}"
    yield f"arguments: {one_line(shlex.join(arguments), _LINE_LIMIT)}"
    yield f"python {sys.version}"
    yield f"platform: {platform.platform()}"
    yield from (f"{package} {_version(package)}" for package in _PACKAGES)
    yield ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"
