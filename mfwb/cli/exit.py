"""How every command ends: one line on stderr at most, and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import click

from mfwb.cli.early_signals import ENDS, free_signals
from mfwb.cli.help import KeptFromClick
from mfwb.cli.streams import leave_closed_terminal, stdout_trouble, write_block, write_error
from mfwb.errors import MfwbError
from mfwb.safe_text import one_line
from mfwb.system_errors import describe_shortage

__all__ = ["end"]

_USAGE = 2
_BUG = 70
_INTERRUPTED = ENDS[signal.SIGINT][0]


class _Terminated(KeyboardInterrupt):
    """A signal ended the program; all that can be done is what Ctrl-C asks for."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code, self.what = ENDS[signal.Signals(number)]


_LastWord = Callable[[int], AbstractContextManager[None]]


def end(
    command: click.Command,
    arguments: Sequence[str],
    last_word: _LastWord = lambda _: nullcontext(),
) -> int:
    """Run a command line, tell what stopped it, if anything did, and return the exit code.

    Args:
        command: what is run.
        arguments: of the command line.
        last_word: entered with the exit code while the end is told.
    """
    came: list[_Terminated] = []  # also what somebody swallowed, and made another error of
    try:
        with _terminable(came):
            code = command.main(list(arguments), prog_name="mfwb", standalone_mode=False)
    except KeptFromClick as kept:
        return _tell(came[0] if came else kept.error, arguments, last_word)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to be asked
        return _tell(came[0] if came else error, arguments, last_word)
    trouble = stdout_trouble()
    code = int(code or 0) or (1 if trouble else 0)
    with last_word(code):
        if trouble:
            write_error(trouble)
    return code


@contextmanager
def _terminable(came: list[_Terminated]) -> Iterator[None]:
    """Let signals end the program as Ctrl-C does, so that it tidies up; who ignores one may.

    `nohup` has SIGHUP ignored, a shell SIGINT of what it starts in the background. When one has
    come, the others are passed over to the end: once is enough, while it tidies up.
    """
    before = free_signals()

    def terminate(number: int, _: Any) -> None:
        for one in ENDS:
            signal.signal(one, _pass_over)
        if number == signal.SIGHUP:
            leave_closed_terminal()
        came.append(_Terminated(number))
        raise came[0]

    for one in before:
        signal.signal(one, terminate)
    try:
        yield
    finally:
        for one, handler in (dict.fromkeys(ENDS, signal.SIG_IGN) if came else before).items():
            signal.signal(one, handler)


def _pass_over(*_: Any) -> None:
    """Do nothing about a signal that comes while we tidy up.

    SIG_IGN would let Python complain of one that has come already. On leaving, Python gives up its
    handlers, and then it has to be SIG_IGN.
    """


def _tell(error: BaseException, arguments: Sequence[str], last_word: _LastWord) -> int:
    """Say on one line what stopped the program and return the exit code."""
    code = _code_of(error)
    with last_word(code):
        if code == _INTERRUPTED:
            _leave_line_of_control_c()
        if code == _BUG:
            _tell_bug(error, arguments)
        else:
            write_error(_line_of(error))
    return code


def _code_of(error: BaseException) -> int:
    if isinstance(error, (MfwbError, _Terminated)):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _INTERRUPTED
    if describe_shortage(error):
        return MfwbError.exit_code
    return _USAGE if isinstance(error, click.ClickException) else _BUG


def _line_of(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, MfwbError):
        return str(error)
    if lacking := describe_shortage(error):
        return lacking
    ended = error if isinstance(error, _Terminated) else _Terminated(signal.SIGINT)
    return f"{ended.what}; run it again to carry on"


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
    from mfwb.crash_log import bug_reason, format_traceback, write_bug_log  # noqa: PLC0415 - hardly needed

    if "--verbose" in arguments:
        write_block(format_traceback(error))
    write_error(bug_reason(error, write_bug_log(error, arguments)))
