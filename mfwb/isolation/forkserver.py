"""Processes that look at pickles, each for one flow run: none ever held what is another's.

To import pandas takes half a second. So on Linux one process does so, once, looks at nothing, and
makes copies of itself (`fork`), which takes some milliseconds. Elsewhere, as on macOS, where a copy
may hang in a library of the system's, each process is started from scratch.

Which process converts what, `converter` says; what it does, `converting`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from threading import Lock
from typing import Any, BinaryIO, Protocol, cast

from mfwb.isolation import forkserver_child
from mfwb.isolation.child_environment import environment

__all__ = ["ENDED", "Nursery", "Process"]

ENDED = -9
"""What is taken for the exit code of a process when the one that knew it is gone."""

_MESSAGE_LIMIT = 65_536
_PATIENCE = 10.0  # seconds; it ends at once, unless it is stuck in a library
_CAN_COPY = sys.platform == "linux"


class Process(Protocol):
    """A process that answers requests."""

    pid: int
    requests: BinaryIO
    answers: BinaryIO

    def poll(self) -> int | None:
        """Return its exit code; None if it lives."""
        ...

    def kill(self) -> int:
        """Kill it, and what it started in its group, unless it has ended; return its exit code."""
        ...


class Nursery:
    """Makes processes; safe to use from several threads."""

    def __init__(self, program: str, max_memory: int, *, trusted: bool = False) -> None:
        """Prepare for processes.

        Args:
            program: the module that they run: its `get_ready`, then its `work`. Before there is
                a second one, `get_readier` is called for it and those that follow.
            max_memory: bytes that each may take for pickles.
            trusted: whether pickles may run whatever they want to, in these processes.
        """
        self._program = program
        self.max_memory = max_memory
        self._trusted = trusted
        self._lock = Lock()
        self._original: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def start(self) -> None:
        """Start the process that is copied, so that it is ready when it is needed; or OSError."""
        if _CAN_COPY:
            with self._lock:
                self._living()

    def new(self, folder: str) -> Process:
        """Return a new process, which may write to a folder alone; OSError if it can't be had."""
        if _CAN_COPY:
            try:
                return self._copied(folder)
            except _NoCopyError:
                pass
        return _Started(
            self._command(f"work({self.max_memory}, {folder!a}, trusted={self._trusted})"),
            self._environment(),
        )

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._end()

    def ask(self, request: dict[str, Any], files: tuple[int, ...] = ()) -> Any:
        """Return what the process that is copied answers; OSError if there is none."""
        with self._lock:
            return self._ask(request, files)

    def _ask(self, request: dict[str, Any], files: tuple[int, ...]) -> Any:
        if self._channel is None:
            raise ProcessLookupError("the process that makes others is gone")
        socket.send_fds(self._channel, [json.dumps(request).encode()], files)
        answered = self._channel.recv(_MESSAGE_LIMIT)
        if not answered:
            self._end()
            raise ProcessLookupError("the process that makes others is gone")
        return json.loads(answered)

    def _copied(self, folder: str) -> Process:
        theirs, requests = os.pipe()
        answers, their_answers = os.pipe()
        request = {"new": folder, "max_memory": self.max_memory}
        try:
            with self._lock:
                self._living()
                try:
                    pid = self._ask(request, (theirs, their_answers))
                except OSError:  # it was killed since it was last asked
                    self._living()
                    pid = self._ask(request, (theirs, their_answers))
        except BaseException:
            os.close(requests)
            os.close(answers)
            raise
        finally:
            os.close(theirs)
            os.close(their_answers)
        if not pid:
            os.close(requests)
            os.close(answers)
            raise _NoCopyError
        return _Copied(self, pid, os.fdopen(requests, "wb"), os.fdopen(answers, "rb"))

    def _living(self) -> None:
        if self._original is not None and self._original.poll() is None:
            return
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._original = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
                    self._command(
                        f"from {forkserver_child.__name__} import serve\n"
                        f"serve({theirs.fileno()}, work, get_readier, trusted={self._trusted})"
                    ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environment(),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        self._channel = ours

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()  # which it takes for the end of all of its copies
            self._channel = None
        if self._original is not None:
            try:
                self._original.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._original.kill()  # its copies go with it
                self._original.wait()
            self._original = None

    def _command(self, rest: str) -> list[str]:
        # It finds modules where this process does. Python itself would look for them in the
        # current folder first, and there may be anybody's `pandas.py`.
        path = [one for one in sys.path if isinstance(one, str)]
        program = (
            f"import sys; sys.path[:] = {path!a}\n"
            f"from {self._program} import get_readier, get_ready, work\n"
            f"get_ready(trusted={self._trusted})\n{rest}"
        )
        return [sys.executable, "-c", program]

    def _environment(self) -> dict[str, str]:
        return environment(os.environ, trusted=self._trusted)


class _NoCopyError(Exception):
    """A copy would not be safe: a library has begun threads."""


class _Started:
    """A process that was started from scratch."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
            start_new_session=True,  # so that it ends together with what pickles start
        )
        self.pid = self._process.pid
        self.requests = cast("BinaryIO", self._process.stdin)
        self.answers = cast("BinaryIO", self._process.stdout)

    def poll(self) -> int | None:
        return self._process.poll()

    def kill(self) -> int:
        if self._process.returncode is None:  # else its id may be another's by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()


class _Copied:
    """A copy; only the process that made it may say how it ended, and kill it for certain."""

    def __init__(self, nursery: Nursery, pid: int, requests: BinaryIO, answers: BinaryIO) -> None:
        self._nursery = nursery
        self._code: int | None = None
        self.pid = pid
        self.requests = requests
        self.answers = answers

    def poll(self) -> int | None:
        return self._asked("poll")

    def kill(self) -> int:
        code = self._asked("kill")
        return ENDED if code is None else code

    def _asked(self, what: str) -> int | None:
        if self._code is None:
            try:
                self._code = self._nursery.ask({what: self.pid})
            except OSError:  # with that process all of its copies are gone
                self._code = ENDED
        return self._code
