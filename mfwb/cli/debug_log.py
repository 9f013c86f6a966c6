"""The log for debugging: what is done and requested, line by line, without secrets.

`-vv` writes it on stderr, `--log-file` appends it to a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mfwb.cli.streams import write_block

if TYPE_CHECKING:
    import click

    from mfwb.operations import Operation

__all__ = ["log_on_stderr", "log_to_file"]

_MODE = 0o600  # paths and names of the user's are in it


def log_on_stderr(context: click.Context) -> None:
    """Write the log on stderr until the command ends."""
    _start(context, lambda line: write_block(f"{line}\n"))


def log_to_file(context: click.Context, path: Path) -> None:
    """Append the log to a file until the command ends; UsageError if that is not possible."""
    from mfwb.errors import UsageError  # noqa: PLC0415 - help does without

    # Without O_NONBLOCK, a pipe that nobody reads would be waited for without an end.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, _MODE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--log-file {path}: {reason}") from None

    def write(line: str) -> None:
        with suppress(OSError):  # a full disk does not end a sync
            os.write(descriptor, f"{line}\n".encode(errors="backslashreplace"))

    context.call_on_close(lambda: os.close(descriptor))
    _start(context, write)


def _start(context: click.Context, write: Callable[[str], None]) -> None:
    """Write a line for each operation until the context is closed."""
    from mfwb.operations import Operation, passed_on_to  # noqa: PLC0415 - as above

    mask = _Mask()

    def listen(operation: Operation) -> None:
        write(mask(str(operation)))

    listening = passed_on_to(listen)
    listening.__enter__()
    context.call_on_close(lambda: listening.__exit__(None, None, None))
    # To this log alone: there may be another one, which has lines of its own for it.
    context.call_on_close(lambda: listen(Operation.now("command", _end())))
    listen(Operation.now("command", f"mfwb {_version()}, {_arguments()}"))


def _end() -> str:
    error = sys.exc_info()[1]
    return f"ended by {type(error).__name__}: {error}" if error else "ended"


def _version() -> str:
    from mfwb.version import __version__  # noqa: PLC0415 - as above

    return __version__


def _arguments() -> str:
    import shlex  # noqa: PLC0415 - as above

    return shlex.join(sys.argv[1:])


class _Mask:
    """Masks secrets in lines; those of this machine are looked up once the settings are read."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._layers: object = None

    def __call__(self, line: str) -> str:
        """Return the line without secrets, and without what could steer a terminal."""
        from mfwb.config import latest_layers  # noqa: PLC0415 - as above
        from mfwb.crash_log.secrets import known_secrets, redact_values  # noqa: PLC0415 - the same
        from mfwb.safe_text import printable  # noqa: PLC0415 - the same

        layers = latest_layers()
        if self._layers is None or layers != self._layers:
            self._secrets, self._layers = known_secrets(), layers
        return printable(" ".join(redact_values(line, self._secrets).splitlines()))
