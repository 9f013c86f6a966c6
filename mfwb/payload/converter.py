"""Pickles are converted in another process, which this one starts and asks.

It works while this process goes on; the memory that values took is given back when it ends; and a
pickle that crashes a library, never comes to an end or needs too much memory takes nothing else
down.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Event, Lock, Timer

from mfwb.payload import converting
from mfwb.payload.conversions import Job
from mfwb.payload.converting import Answer
from mfwb.payload.limits import ENVIRONMENT

__all__ = ["MAX_MEMORY", "BrokenOffError", "Converter", "UnconvertibleError"]

MAX_MEMORY = 2 * 10**9
"""Bytes that a conversion may take unless said otherwise."""

TIME_LIMIT = 600.0
"""Seconds that any conversion may take; a large one has more."""

_SLOWEST = 1_000_000  # bytes per second; whatever is slower has got stuck


class UnconvertibleError(Exception):
    """A pickle that can't be converted; the text says why."""


class BrokenOffError(Exception):
    """The converter was closed, which says nothing about the pickle."""


class Converter:
    """A process that converts; safe to use from several threads."""

    def __init__(
        self,
        max_memory: int = MAX_MEMORY,
        *,
        trusted: bool = False,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """Prepare for a process that is started when it is needed.

        Args:
            max_memory: bytes that it may take for pickles.
            trusted: whether pickles may run whatever they want to, in that process.
            time_limit: seconds for a small pickle; each megabyte adds one.
        """
        self._max_memory = max_memory
        self._trusted = trusted
        self._time_limit = time_limit
        self._turn = Lock()  # who has it may ask
        self._guard = Lock()  # who has it may start or end the process
        self._child: _Child | None = None
        self._closed = False

    def start(self) -> None:
        """Start the process if there is none, so that it has imported pandas when it is needed."""
        with suppress(UnconvertibleError, BrokenOffError):  # who needs it tries again
            self._living()

    def convert(self, job: Job) -> None:
        """Do a job; whether it is trusted is the converter's to say.

        Raises:
            UnconvertibleError: it can't be done. Something may be left at the target.
            BrokenOffError: the converter was closed before or meanwhile.
            OSError: the disk is full.
        """
        seconds = self._time_limit + job.source.stat().st_size / _SLOWEST
        with self._turn:
            try:
                answer = self._living().ask(_request(job), seconds)
            except UnconvertibleError:
                self._raise_if_closed()
                raise
        outcome = answer["outcome"]
        if outcome == converting.NO_MEMORY:
            raise UnconvertibleError(f"it takes more than {self._max_memory:,} bytes of memory")
        if outcome == converting.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if outcome != converting.DONE:
            raise UnconvertibleError(answer["reason"])

    def close(self) -> None:
        """End the process, whatever it is doing; nothing is converted any more."""
        # It takes no turn: who breaks off a long conversion does not want to wait for its end.
        with self._guard:
            self._closed = True
            if self._child is not None:
                self._child.end()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise BrokenOffError("the conversion was broken off")

    def _living(self) -> _Child:
        """Return the process, a new one if need be; UnconvertibleError if it can't be had."""
        with self._guard:
            self._raise_if_closed()
            if self._child is None or not self._child.lives():
                try:
                    self._child = _Child(self._max_memory, trusted=self._trusted)
                except OSError as error:  # no more processes, or Python is not where it was
                    raise UnconvertibleError(f"no process to convert it: {error}") from None
            return self._child


class _Child:
    """A process that runs `converting.main`, and whatever it starts itself."""

    def __init__(self, max_memory: int, *, trusted: bool) -> None:
        # It finds modules where this process does. Python itself would look for them in the
        # current folder first, and there may be anybody's `pandas.py`.
        path = [one for one in sys.path if isinstance(one, str)]
        program = (
            f"import sys; sys.path[:] = {path!a}\nfrom {converting.__name__} import main\n"
            f"main({max_memory}, trusted={trusted})"
        )
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,  # so that it ends together with what pickles start
        )

    def ask(self, request: dict[str, str | None], seconds: float) -> Answer:
        """Return the answer; if there is none, the request is what ended the process."""
        too_late = Event()
        clock = Timer(seconds, self._kill_and_set, [too_late])
        clock.daemon = True
        clock.start()
        try:
            return self._exchange(json.dumps(request).encode() + b"\n")
        except UnconvertibleError:
            self.end()
            if too_late.is_set():
                raise UnconvertibleError(f"it took more than {seconds:,.0f} seconds") from None
            raise
        except BaseException:
            self.end()  # who asks next must not get the answer to this
            raise
        finally:
            clock.cancel()

    def lives(self) -> bool:
        """Return whether it can be asked; what is left of it is cleaned up if not."""
        if self._process.poll() is None:
            return True
        self.end()
        return False

    def end(self) -> None:
        """Kill it, unless it has ended, and wait until it is gone."""
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # a request that it has not read
                    pipe.close()

    def _kill_and_set(self, too_late: Event) -> None:
        too_late.set()
        self._kill()

    def _kill(self) -> None:
        if self._process.returncode is None:  # else its id may be another's by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _exchange(self, line: bytes) -> Answer:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:  # they are pipes, which the types can't tell
            raise AssertionError
        try:
            requests.write(line)
            requests.flush()
            answered = answers.readline()
        except (OSError, ValueError):  # it ended before, or was ended in the meantime
            answered = b""
        if not answered.endswith(b"\n"):
            raise UnconvertibleError(f"the process that converts it ended ({self._process.wait()})")
        found: Answer = json.loads(answered)
        return found


def _request(job: Job) -> dict[str, str | None]:
    return {
        "conversion": job.conversion.value,
        "source": str(job.source),
        "target": str(job.target),
        "rows": None if job.rows is None else str(job.rows),
        "plugin": job.plugin,
    }
