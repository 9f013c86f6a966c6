"""How every command ends: one line on stderr at most, and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from mfwb.cli.layout import KeptFromClick
from mfwb.cli.streams import leave_closed_terminal, write_block, write_error
from mfwb.errors import MfwbError
from mfwb.safe_text import one_line

__all__ = ["end"]

_USAGE = 2
_BUG = 70
_INTERRUPTED = 130
_ENDS = {
    signal.SIGTERM: (143, "terminated"),
    signal.SIGHUP: (129, "its terminal or session was closed"),
}
"""Signals that end the program as Ctrl-C does: exit code, and what is said."""


class _Terminated(KeyboardInterrupt):
    """Somebody else than the user ended the program; all that can be done is the same."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code, self.what = _ENDS[signal.Signals(number)]


def end(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command line, tell what stopped it, if anything did, and return the exit code."""
    try:
        with _terminable():
            code = command.main(list(arguments), prog_name="mfwb", standalone_mode=False)
    except KeptFromClick as kept:
        return _tell(kept.error, arguments)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to be asked
        return _tell(error, arguments)
    return int(code or 0)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let signals end the program as Ctrl-C does, so that it tidies up; who ignores one may.

    `nohup` has SIGHUP ignored.
    """
    ours = [one for one in _ENDS if signal.getsignal(one) is signal.SIG_DFL]
    for one in ours:
        signal.signal(one, _terminate)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)


def _terminate(number: int, _: Any) -> None:
    for one in _ENDS:  # once is enough, while it tidies up
        signal.signal(one, signal.SIG_IGN)
    if number == signal.SIGHUP:
        leave_closed_terminal()
    raise _Terminated(number)


def _tell(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on one line what stopped the program and return the exit code."""
    if isinstance(error, MfwbError):
        write_error(str(error))
        return error.exit_code
    if isinstance(error, click.ClickException):
        write_error(_usage(error))
        return _USAGE
    if isinstance(error, _Terminated):
        write_error(f"{error.what}; run it again to carry on")
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        _leave_line_of_control_c()
        write_error("interrupted; run it again to carry on")
        return _INTERRUPTED
    _tell_bug(error, arguments)
    return _BUG


def _usage(error: click.ClickException) -> str:
    """Return what is wrong and where to read on."""
    message = one_line(error.format_message())
    end = "" if message.endswith((".", "?", ")")) else "."
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "mfwb"
    return f"{message}{end} See `{path} --help`."


def _leave_line_of_control_c() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def _tell_bug(error: BaseException, arguments: Sequence[str]) -> None:
    from mfwb.bug_log import bug_reason, traceback_of, write_bug_log  # noqa: PLC0415 - hardly needed

    if "--verbose" in arguments:
        write_block(traceback_of(error))
    write_error(bug_reason(error, write_bug_log(error, arguments)))
