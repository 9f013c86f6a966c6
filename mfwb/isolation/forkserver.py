"""Forkserver: starts the processes that load pickles, one process per flow run.

A process never holds data of two flow runs. Importing pandas takes half a second. So on Linux one
process, the fork server, imports it once, loads no pickle itself, and forks, which takes some
milliseconds. On other systems, as on macOS, a forked process may hang in a system library, so each
process is started from scratch.

`converter` and `inspector` decide which process loads which pickle; `converter_child` and
`inspector_child` are the programs that these processes run.
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
from mfwb.isolation.child_environment import build_environment

__all__ = ["UNKNOWN_EXIT_CODE", "Forkserver", "Process"]

UNKNOWN_EXIT_CODE = -9
"""The exit code of a process that is reported when the fork server, which knew it, is gone."""

_MESSAGE_LIMIT = 65_536
_EXIT_TIMEOUT = 10.0  # seconds; the server exits at once, unless it is stuck in a library
_CAN_FORK = sys.platform == "linux"


class Process(Protocol):
    """A process that answers requests."""

    pid: int
    requests: BinaryIO
    responses: BinaryIO

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        ...

    def kill(self) -> int:
        """Kill the process and its process group unless it has ended; return the exit code."""
        ...


class Forkserver:
    """Starts processes for pickles; safe to use from several threads."""

    def __init__(self, program: str, max_memory: int, *, trusted: bool = False) -> None:
        """Store the configuration; the server starts with the first process.

        Args:
            program: the module that the processes run: first `preload`, then `run_worker`. The
                server calls `preload_more` before it starts the second process.
            max_memory: bytes of memory that each process may take for pickles.
            trusted: whether pickles may run any code in these processes.
        """
        self._program = program
        self.max_memory = max_memory
        self._trusted = trusted
        self._lock = Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def is_running(self) -> bool:
        """Whether the server was started and not closed; never where processes are not forked."""
        return self._server is not None

    def start(self) -> None:
        """Start the fork server before it is needed; OSError if it cannot start."""
        if _CAN_FORK:
            with self._lock:
                self._ensure_server()

    def start_process(self, folder: str) -> Process:
        """Return a new process that may write only to `folder`; OSError if it cannot start."""
        if _CAN_FORK:
            try:
                return self._fork(folder)
            except _ForkUnsafeError:
                pass
        return _SpawnedProcess(
            self._command(f"run_worker({self.max_memory}, {folder!a}, trusted={self._trusted})"),
            self._environment(),
        )

    def close(self) -> None:
        """Stop the server and all its processes."""
        with self._lock:
            self._stop_server()

    def send_request(self, request: dict[str, Any], files: tuple[int, ...] = ()) -> Any:
        """Return the server's reply to a request; OSError if there is no server."""
        with self._lock:
            return self._send(request, files)

    def _send(self, request: dict[str, Any], files: tuple[int, ...]) -> Any:
        if self._socket is None:
            raise ProcessLookupError("the process that starts others has ended")
        socket.send_fds(self._socket, [json.dumps(request).encode()], files)
        reply = self._socket.recv(_MESSAGE_LIMIT)
        if not reply:
            self._stop_server()
            raise ProcessLookupError("the process that starts others has ended")
        return json.loads(reply)

    def _fork(self, folder: str) -> Process:
        child_end, requests = os.pipe()
        responses, child_responses = os.pipe()
        request = {"new": folder, "max_memory": self.max_memory}
        try:
            with self._lock:
                self._ensure_server()
                try:
                    pid = self._send(request, (child_end, child_responses))
                except OSError:  # the server was killed after the last request
                    self._ensure_server()
                    pid = self._send(request, (child_end, child_responses))
        except BaseException:
            os.close(requests)
            os.close(responses)
            raise
        finally:
            os.close(child_end)
            os.close(child_responses)
        if not pid:
            os.close(requests)
            os.close(responses)
            raise _ForkUnsafeError
        return _ForkedProcess(self, pid, os.fdopen(requests, "wb"), os.fdopen(responses, "rb"))

    def _ensure_server(self) -> None:
        if self._server is not None and self._server.poll() is None:
            return
        self._stop_server()
        parent_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child_end:
            try:
                self._server = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
                    self._command(
                        f"from {forkserver_child.__name__} import serve\n"
                        f"serve({child_end.fileno()}, run_worker, preload_more, "
                        f"trusted={self._trusted})"
                    ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environment(),
                    pass_fds=(child_end.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                parent_end.close()
                raise
        self._socket = parent_end

    def _stop_server(self) -> None:
        if self._socket is not None:
            self._socket.close()  # the server then kills its child processes and exits
            self._socket = None
        if self._server is not None:
            try:
                self._server.wait(_EXIT_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._server.kill()  # its child processes die with it
                self._server.wait()
            self._server = None

    def _command(self, rest: str) -> list[str]:
        # The child uses the import path of this process. By default Python would search the
        # current folder first, which may contain anybody's `pandas.py`.
        path = [entry for entry in sys.path if isinstance(entry, str)]
        # What is imported stays: to look for garbage in it takes an eighth of that time, and memory
        # that the collector never touches stays shared after the fork.
        program = (
            f"import gc, sys; gc.disable(); sys.path[:] = {path!a}\n"
            f"from {self._program} import preload, preload_more, run_worker\n"
            f"preload(trusted={self._trusted})\n"
            f"gc.freeze(); gc.enable()\n{rest}"
        )
        return [sys.executable, "-c", program]

    def _environment(self) -> dict[str, str]:
        return build_environment(os.environ, trusted=self._trusted)


class _ForkUnsafeError(Exception):
    """Forking would not be safe: a library has started threads."""


class _SpawnedProcess:
    """A process that was started from scratch, without a fork."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
            start_new_session=True,  # so that processes that a pickle starts are killed with it
        )
        self.pid = self._process.pid
        self.requests = cast("BinaryIO", self._process.stdin)
        self.responses = cast("BinaryIO", self._process.stdout)

    def poll(self) -> int | None:
        return self._process.poll()

    def kill(self) -> int:
        if self._process.returncode is None:  # else its id may belong to another process by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()


class _ForkedProcess:
    """A forked process; only the fork server can read its exit code and kill it reliably."""

    def __init__(
        self, forkserver: Forkserver, pid: int, requests: BinaryIO, responses: BinaryIO
    ) -> None:
        self._forkserver = forkserver
        self._code: int | None = None
        self.pid = pid
        self.requests = requests
        self.responses = responses

    def poll(self) -> int | None:
        return self._query("poll")

    def kill(self) -> int:
        code = self._query("kill")
        return UNKNOWN_EXIT_CODE if code is None else code

    def _query(self, action: str) -> int | None:
        if self._code is None:
            try:
                self._code = self._forkserver.send_request({action: self.pid})
            except OSError:  # the server is gone, and all its child processes with it
                self._code = UNKNOWN_EXIT_CODE
        return self._code
