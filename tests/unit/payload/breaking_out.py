"""A program for `Nursery`: a process that was taken over, and tries what it can.

A request is a line of JSON: a name in `ATTEMPTS`, a path, and whether the audit hook is to watch.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mfwb.payload.audit import watch
from mfwb.payload.converting import INBOX, OUTBOX, get_readier, get_ready
from mfwb.payload.sandbox import confine
from mfwb.payload.surroundings import readable

__all__ = ["ATTEMPTS", "get_readier", "get_ready", "work"]


def _raw(number: int, *arguments: Any) -> int:
    """Call the kernel, past all that Python could notice."""
    kernel = ctypes.CDLL(None, use_errno=True)
    result: int = kernel.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


ATTEMPTS: dict[str, Callable[[str], Any]] = {
    "read a file": lambda path: Path(path, "secret").read_text(encoding="utf-8"),
    "read what it was not lent": lambda path: Path(path, "other", INBOX, "pickle").read_bytes(),
    "read the environment of its parent": lambda _: Path(
        f"/proc/{os.getppid()}/environ"
    ).read_bytes(),
    "list a folder": os.listdir,
    "write a file": lambda path: Path(path, "written").write_text("x", encoding="utf-8"),
    "write what it was lent": lambda path: Path(path, "own", INBOX, "pickle").write_bytes(b"x"),
    "remove a file": lambda path: Path(path, "secret").unlink(),
    "make a folder": lambda path: Path(path, "folder").mkdir(),
    "make a link": lambda path: Path(path, "own", OUTBOX, "link").symlink_to("/etc/passwd"),
    "make a hard link": lambda path: os.link(
        Path(path, "own", INBOX, "pickle"), Path(path, "own", OUTBOX, "link")
    ),
    "start a program": lambda _: subprocess.run([sys.executable, "-c", ""], check=True),
    "start a program by fork": lambda _: os.posix_spawn(sys.executable, [sys.executable], {}),
    "become a program": lambda _: os.execv(sys.executable, [sys.executable]),  # noqa: S606
    "connect": lambda path: socket.create_connection(
        ("127.0.0.1", int(Path(path, "own", INBOX, "port").read_text(encoding="utf-8"))), 5
    ),
    "send a datagram": lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a local socket": lambda _: socket.socket(socket.AF_UNIX),
    "kill its parent": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "unpickle": lambda _: pickle.loads(b"cos\nsystem\n(S'true'\ntR."),
    "load a library": lambda _: ctypes.CDLL("libdl.so.2"),
    "trace": lambda _: _raw(101 if os.uname().machine == "x86_64" else 117, 16, os.getppid(), 0, 0),
    "ask for a ring": lambda _: _raw(425, 1, None),
}


def work(_max_memory: int, folder: str, *, trusted: bool) -> None:
    """Answer one request."""
    del trusted
    name, path, is_watched = json.loads(os.fdopen(0).readline())
    may_read = (*readable(), str(Path(folder, INBOX)))
    may_write = (str(Path(folder, OUTBOX)),)
    if is_watched:
        watch(may_read, may_write)
    else:
        confine(may_read, may_write)
    try:
        ATTEMPTS[name](path)
    except OSError as error:
        answer = f"refused: {error.errno}"
    else:
        answer = "done"
    os.write(1, f"{answer}\n".encode())
    os._exit(0)
