"""The program of the process that makes copies of itself; `nursery` starts and asks it."""

from __future__ import annotations

import gc
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

_Work = Callable[..., None]


def serve(channel: int, work: _Work, get_readier: Callable[[], None], *, trusted: bool) -> None:
    """Answer requests until there are no more, and end all copies then.

    Args:
        channel: the socket that requests come from.
        work: what a copy does.
        get_readier: what is done before the second copy, for that and those that follow.
        trusted: whether copies may run whatever a pickle wants to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # what is never freed need not be copied for that
    copies: set[int] = set()
    asked = 0
    with socket.socket(fileno=channel) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, _MESSAGE_LIMIT, 2)
            if not message:
                break
            request = json.loads(message)
            if "new" in request:
                if asked == 1:  # for a single flow run it would come too late
                    get_readier()
                asked += 1
                pid = _copy(request, files, requests, work, trusted=trusted)
                if pid:
                    copies.add(pid)
                answer: Any = pid
            else:
                answer = _tend(request, copies)
            with suppress(BrokenPipeError):
                requests.send(json.dumps(answer).encode())
    for pid in copies:
        _kill(pid)
    os._exit(0)


def _copy(
    request: dict[str, Any], files: list[int], channel: socket.socket, work: _Work, *, trusted: bool
) -> int:
    if len(list(_THREADS.iterdir())) > 1:  # of which a copy would have none, but their locks
        pid = 0
    else:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _be_a_copy(request, files, channel, work, parent, trusted=trusted)
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # whoever of the two is first
    for file in files:
        os.close(file)
    return pid


def _be_a_copy(  # noqa: PLR0913 - they are what it goes by
    request: dict[str, Any],
    files: list[int],
    channel: socket.socket,
    work: _Work,
    parent: int,
    *,
    trusted: bool,
) -> None:
    try:
        with suppress(PermissionError):
            os.setpgid(0, 0)
        die_with_parent()
        if os.getppid() != parent:  # it ended before that was said
            os._exit(1)
        channel.close()
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        work(request["max_memory"], request["new"], trusted=trusted)
    finally:
        os._exit(1)


def _tend(request: dict[str, int], copies: set[int]) -> int | None:
    """Do what is asked for one copy; return its exit code, None if it lives."""
    ((what, pid),) = request.items()
    if pid not in copies:
        return None
    if what == "kill":  # one that has ended keeps its own exit code
        _kill(pid)
    ended, status = os.waitpid(pid, 0 if what == "kill" else os.WNOHANG)
    if not ended:
        return None
    copies.remove(pid)
    return os.waitstatus_to_exitcode(status)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
