"""A process that is told to end does so, whatever it waits for.

Python raises an exception in the main thread then, which tidies up on its way. But a library may
swallow it, as Metaflow does while it asks its service; it is not raised before a call of a library
in C returns; and threads that wait for W&B are waited for at the end. So another thread looks on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mfwb.cli.early_signals import ENDS
from mfwb.files.tempdirs import remove_all

__all__ = ["Lookout"]

_TIDYING = 0.8  # seconds from a signal on
_LEAVING = 10.0  # seconds from the end of the command on, which threads and atexit may take
_LEAVING_SILENCE = 3.0  # the same where an end did not answer: what is waited for then is as silent
_UNREACHABLE = 4


class Lookout:
    """Ends this process if it does not end by itself; there is one, made in the main thread."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Look on from now on.

        Args:
            say: writes one line on stderr, in our name.
        """
        self._say = say
        self._code: int | None = None
        self._lock = threading.Lock()
        heard, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        for deed in (lambda: self._listen(heard), self._wait):
            threading.Thread(target=deed, name="mfwb-lookout", daemon=True).start()

    @contextmanager
    def last_word(self, code: int) -> Iterator[None]:
        """Say how the command ended, and hear its exit code; nobody else says it then."""
        with self._lock:
            self._code = code
            yield

    def _listen(self, heard: int) -> None:
        while True:
            for number in os.read(heard, 64):
                if number in ENDS:
                    time.sleep(_TIDYING)
                    code, what = ENDS[signal.Signals(number)]
                    with self._lock:
                        if self._code is None:
                            self._say(f"{what}; run it again to carry on")
                        _leave(code if self._code is None else self._code)

    def _wait(self) -> None:
        threading.main_thread().join()  # until it begins to wait for other threads, at the end
        time.sleep(_LEAVING_SILENCE if self._code == _UNREACHABLE else _LEAVING)
        _leave(self._code or 0)


def _leave(code: int) -> None:
    """End this process and those that it started, and leave no temporary files.

    They are stopped first, so that none writes what has just been removed; and killed last, for a
    thread of this process would start wandb-core again if it died.
    """
    children: list[int] = []
    try:
        children = _processes_below("self")
        _send(children, signal.SIGSTOP)
        remove_all()
    finally:
        _send(children, signal.SIGKILL)  # those that are stopped would stay for ever
        os._exit(code)


def _send(processes: Iterable[int], what: signal.Signals) -> None:
    for one in processes:
        with suppress(OSError):  # it has ended
            os.kill(one, what)


def _processes_below(process: str) -> list[int]:
    """Return the ids of the processes that one started, and so on; where there is no /proc, none.

    Those end by themselves, a moment after this one.
    """
    found: list[int] = []
    for path in Path("/proc", process, "task").glob("*/children"):
        with suppress(OSError):  # of a thread that has just ended
            for child in path.read_text(encoding="ascii").split():
                found += [int(child), *_processes_below(child)]
    return found
