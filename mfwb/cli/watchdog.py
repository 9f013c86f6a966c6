"""Watchdog: ends this process after a signal, even if it waits for something.

On a signal, Python raises an exception in the main thread, which cleans up on its way. But a
library may catch it, as Metaflow does during a request to its service; it is not raised before a
call of a C library returns; and at the exit Python waits for threads that wait for W&B. So another
thread watches.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mfwb.cli.early_signals import ENDS
from mfwb.process_exit import exit_process

__all__ = ["Watchdog"]

_CLEANUP_SECONDS = 0.8  # after a signal
_EXIT_SECONDS = 10.0  # after the end of the command, for threads and atexit handlers
# The same if W&B or Metaflow did not answer: then the threads wait for the same silent server.
_EXIT_SECONDS_UNREACHABLE = 3.0
_UNREACHABLE = 4


class Watchdog:
    """Ends this process if it does not end by itself; create one only, in the main thread."""

    def __init__(self, write_line: Callable[[str], None]) -> None:
        """Start to watch.

        Args:
            write_line: writes one line on stderr, in mfwb's name.
        """
        self._write_line = write_line
        self._code: int | None = None
        self._lock = threading.Lock()
        signals, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for action in (lambda: self._watch_signals(signals), self._watch_exit):
            threading.Thread(target=action, name="mfwb-watchdog", daemon=True).start()

    @contextmanager
    def while_reporting(self, code: int) -> Iterator[None]:
        """Keep the exit code while the command reports its end; the watchdog reports none then."""
        with self._lock:
            self._code = code
            yield

    def _watch_signals(self, signals: int) -> None:
        while True:
            for number in os.read(signals, 64):
                if number in ENDS:
                    time.sleep(_CLEANUP_SECONDS)
                    code, reason = ENDS[signal.Signals(number)]
                    with self._lock:
                        if self._code is None:
                            self._write_line(f"{reason}; run it again to carry on")
                        exit_process(code if self._code is None else self._code)

    def _watch_exit(self) -> None:
        threading.main_thread().join()  # until it starts to wait for other threads, at the exit
        time.sleep(_EXIT_SECONDS_UNREACHABLE if self._code == _UNREACHABLE else _EXIT_SECONDS)
        exit_process(self._code or 0)
