"""The program of the fork server; `forkserver` starts it and sends it requests."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mfwb.isolation.sandbox import die_with_parent

__all__ = ["serve"]

_MESSAGE_LIMIT = 65_536
_THREADS = Path("/proc/self/task")

_RunWorker = Callable[..., None]


def serve(
    channel: int, run_worker: _RunWorker, preload_more: Callable[[], None], *, trusted: bool
) -> None:
    """Answer requests until the socket closes, then kill all child processes.

    Args:
        channel: the socket of the requests.
        run_worker: what a child process runs.
        preload_more: called before the second fork, for the benefit of all later children.
        trusted: whether pickles may run any code in the children.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: set[int] = set()
    forks = 0
    with socket.socket(fileno=channel) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, _MESSAGE_LIMIT, 2)
            if not message:
                break
            request = json.loads(message)
            if "new" in request:
                if forks == 1:  # with a single flow run this import would only cost time
                    preload_more()
                forks += 1
                pid = _fork(request, files, requests, run_worker, trusted=trusted)
                if pid:
                    children.add(pid)
                answer: Any = pid
            else:
                answer = _poll_or_kill(request, children)
            with suppress(BrokenPipeError):
                requests.send(json.dumps(answer).encode())
    for pid in children:
        _kill(pid)
    os._exit(0)


def _fork(
    request: dict[str, Any],
    files: list[int],
    channel: socket.socket,
    run_worker: _RunWorker,
    *,
    trusted: bool,
) -> int:
    if len(list(_THREADS.iterdir())) > 1:  # a child would have their locks, but not the threads
        pid = 0
    else:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _run_forked_child(request, files, channel, run_worker, parent, trusted=trusted)
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # parent and child both do it: either may be first
    for file in files:
        os.close(file)
    return pid


def _run_forked_child(  # noqa: PLR0913 - all that the child needs
    request: dict[str, Any],
    files: list[int],
    channel: socket.socket,
    run_worker: _RunWorker,
    parent: int,
    *,
    trusted: bool,
) -> None:
    try:
        with suppress(PermissionError):
            os.setpgid(0, 0)
        die_with_parent()
        if os.getppid() != parent:  # the parent ended before `die_with_parent` took effect
            os._exit(1)
        channel.close()
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        run_worker(request["max_memory"], request["new"], trusted=trusted)
    finally:
        os._exit(1)


def _poll_or_kill(request: dict[str, int], children: set[int]) -> int | None:
    """Carry out a request about one child; return its exit code, None while it runs."""
    ((what, pid),) = request.items()
    if pid not in children:
        return None
    if what == "kill":  # a child that has already ended keeps its own exit code
        _kill(pid)
    ended, status = os.waitpid(pid, 0 if what == "kill" else os.WNOHANG)
    if not ended:
        return None
    children.remove(pid)
    return os.waitstatus_to_exitcode(status)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
