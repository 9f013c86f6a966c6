"""End of a command: at most one line on stderr, and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import click

from mfwb.cli.early_signals import ENDS, free_signals
from mfwb.cli.help import HiddenFromClick
from mfwb.cli.streams import detach_closed_terminal, stdout_error, write_block, write_error
from mfwb.errors import BUG_EXIT_CODE, MfwbError
from mfwb.safe_text import one_line
from mfwb.system_errors import describe_shortage

__all__ = ["end"]

_USAGE = 2
_INTERRUPTED = ENDS[signal.SIGINT][0]


class _Terminated(KeyboardInterrupt):
    """A signal ended the program; mfwb then does the same as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code, self.reason = ENDS[signal.Signals(number)]


_WhileReporting = Callable[[int], AbstractContextManager[None]]


def end(
    command: click.Command,
    arguments: Sequence[str],
    while_reporting: _WhileReporting = lambda _: nullcontext(),
) -> int:
    """Run a command line, report an error that ended it, and return the exit code.

    Args:
        command: the command to run.
        arguments: the arguments of the command line.
        while_reporting: a context that is entered with the exit code while the end is reported.
    """
    signals: list[_Terminated] = []  # also those that a library caught and replaced by an error
    try:
        with _signals_as_interrupt(signals):
            code = command.main(list(arguments), prog_name="mfwb", standalone_mode=False)
    except HiddenFromClick as kept:
        return _report_error(signals[0] if signals else kept.error, arguments, while_reporting)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last handler of the program
        return _report_error(signals[0] if signals else error, arguments, while_reporting)
    stdout_failure = stdout_error()
    code = int(code or 0) or (1 if stdout_failure else 0)
    with while_reporting(code):
        if stdout_failure:
            write_error(stdout_failure)
    return code


@contextmanager
def _signals_as_interrupt(signals: list[_Terminated]) -> Iterator[None]:
    """Let signals end the program as Ctrl-C does, so that it cleans up; ignored ones stay ignored.

    `nohup` makes a program ignore SIGHUP, and a shell makes background programs ignore SIGINT.
    After the first signal, all others are ignored: one is enough, while the program cleans up.
    """
    before = free_signals()

    def terminate(number: int, _: Any) -> None:
        for other in ENDS:
            signal.signal(other, _ignore_signal)
        if number == signal.SIGHUP:
            detach_closed_terminal()
        signals.append(_Terminated(number))
        raise signals[0]

    for number in before:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        after = dict.fromkeys(ENDS, signal.SIG_IGN) if signals else before
        for number, handler in after.items():
            signal.signal(number, handler)


def _ignore_signal(*_: Any) -> None:
    """Ignore a signal that comes while the program cleans up.

    With SIG_IGN, Python would complain about a signal that has come already. At its exit, Python
    removes its handlers, and then it must be SIG_IGN.
    """


def _report_error(
    error: BaseException, arguments: Sequence[str], while_reporting: _WhileReporting
) -> int:
    """Write one line on what stopped the program and return the exit code."""
    code = _code_of(error)
    with while_reporting(code):
        if code == _INTERRUPTED:
            _end_line_of_control_c()
        if code == BUG_EXIT_CODE:
            _report_bug(error, arguments)
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
    return _USAGE if isinstance(error, click.ClickException) else BUG_EXIT_CODE


def _line_of(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, MfwbError):
        return str(error)
    if reason := describe_shortage(error):
        return reason
    signal_end = error if isinstance(error, _Terminated) else _Terminated(signal.SIGINT)
    return f"{signal_end.reason}; run it again to carry on"


def _usage(error: click.ClickException) -> str:
    """Return what is wrong, and where the help is."""
    message = one_line(error.format_message())
    end = "" if message.endswith((".", "?", ")")) else "."
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "mfwb"
    return f"{message}{end} See `{path} --help`."


def _end_line_of_control_c() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def _report_bug(error: BaseException, arguments: Sequence[str]) -> None:
    from mfwb.crash_log import bug_reason, format_traceback, write_bug_log  # noqa: PLC0415 - rarely needed

    if any(argument == "--verbose" or argument.startswith("-v") for argument in arguments):
        write_block(format_traceback(error))
    write_error(bug_reason(error, write_bug_log(error, arguments)))
