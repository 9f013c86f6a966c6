"""The signals that end the program, and what they do while its modules are still imported.

That takes half a second, in which nothing has been begun, so that nothing needs to be tidied up. To
raise an exception, as Python does for Ctrl-C, would be of no use: who imports may swallow it.
Nothing is imported here that takes time.
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
"""Signals that end the program: exit code, and what is said."""

_STDERR = 2
_before: dict[signal.Signals, Any] = {}


def end_at_once_by_signals() -> None:
    """Let signals end the process with their line and exit code, without tidying up.

    Those that are ignored, or that somebody else handles, stay as they are.
    """
    _before.update(free_signals())
    for one in _before:
        signal.signal(one, _end)


def free_signals() -> dict[signal.Signals, Any]:
    """Return the signals that nobody ignores or handles, and what they do without us."""
    handlers = {
        one: _before[one] if (now := signal.getsignal(one)) is _end else now for one in ENDS
    }
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    return {one: handler for one, handler in handlers.items() if handler in defaults}


def _end(number: int, _: object) -> None:
    code, what = ENDS[signal.Signals(number)]
    try:
        start = "\n" if number == signal.SIGINT and os.isatty(_STDERR) else ""
        os.write(_STDERR, f"{start}mfwb: {what}; run it again to carry on\n".encode())
    finally:
        os._exit(code)
