"""Signals that end the program, and their handlers while its modules are still imported.

The imports take half a second. Nothing has been started by then, so nothing needs to be cleaned up.
An exception, as Python raises it for Ctrl-C, would be of no use: the importing code may catch it.
This module imports nothing that takes time.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ENDS", "end_at_once_by_signals", "free_signals"]

ENDS = {
    signal.SIGINT: (130, "interrupted"),
    signal.SIGTERM: (143, "terminated"),
    signal.SIGHUP: (129, "its terminal or session was closed"),
}
"""Signals that end the program: exit code, and the text to report."""

_STDERR = 2
_before: dict[signal.Signals, Any] = {}


def end_at_once_by_signals() -> None:
    """Let signals end the process with their line and exit code, without a cleanup.

    Signals that are ignored, or that other code handles, stay as they are.
    """
    _before.update(free_signals())
    for number in _before:
        signal.signal(number, _end)


def free_signals() -> dict[signal.Signals, Any]:
    """Return the signals that are neither ignored nor handled, with their original handlers."""
    handlers = {
        number: _before[number] if (now := signal.getsignal(number)) is _end else now
        for number in ENDS
    }
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    return {number: handler for number, handler in handlers.items() if handler in defaults}


def _end(number: int, _: object) -> None:
    code, reason = ENDS[signal.Signals(number)]
    try:
        start = "\n" if number == signal.SIGINT and os.isatty(_STDERR) else ""
        os.write(_STDERR, f"{start}mfwb: {reason}; run it again to carry on\n".encode())
    finally:
        os._exit(code)
