"""Program for `Forkserver`: a compromised process that tries to break out.

A request is a line of JSON: a name below, a path, and whether the audit hook is to watch.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from mfwb.conversion.converter_child import INBOX, OUTBOX, preload, preload_more
from mfwb.isolation.audit_hook import install_audit_hook
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.isolation.sandbox import confine

__all__ = ["ATTEMPTS", "CHANGES", "HONEST", "preload", "preload_more", "run_worker"]


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
    "live on without its group": lambda _: os.fork(),
    "leave its group": lambda _: os.setpgid(0, os.getpgid(os.getppid())),
    "cap its parent": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0)),
    "lift its own cap": lambda _: resource.prlimit(0, resource.RLIMIT_DATA, (-1, -1)),
    "slow down its parent": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "end its parent by its thread": lambda _: _raw(
        234 if os.uname().machine == "x86_64" else 131, os.getppid(), os.getppid(), 0
    ),
    "share memory": lambda _: _raw(29 if os.uname().machine == "x86_64" else 194, 1, 4096, 0o1600),
    "change its root": os.chroot,
}
"""What has to fail."""

CHANGES: dict[str, Callable[[str], Any]] = {
    "open a file to all": lambda path: Path(path, "secret").chmod(0o666),
    "close a folder": lambda path: Path(path).chmod(0),
    "give a file away": lambda path: os.chown(Path(path, "secret"), os.getuid(), 12345),
    "date a file back": lambda path: os.utime(Path(path, "secret"), (1, 1)),
    "note something at a file": lambda path: os.setxattr(Path(path, "secret"), "user.x", b"x"),
}
"""What has to be without effect."""


def _be_honest(path: str) -> None:
    shutil.copy2(Path(path, "own", INBOX, "pickle"), Path(path, "own", OUTBOX, "copy"))
    thread = Thread(target=resource.getrlimit, args=(resource.RLIMIT_DATA,))
    thread.start()
    thread.join()


HONEST: dict[str, Callable[[str], Any]] = {"honest": _be_honest}
"""What has to work."""


def run_worker(_max_memory: int, folder: str, *, trusted: bool) -> None:
    """Answer one request."""
    del trusted
    name, path, is_watched = json.loads(os.fdopen(0).readline())
    may_read = (*list_readable_paths(), str(Path(folder, INBOX)))
    may_write = (str(Path(folder, OUTBOX)),)
    if is_watched:
        install_audit_hook(may_read, may_write)
    else:
        confine(may_read, may_write)
    try:
        {**ATTEMPTS, **CHANGES, **HONEST}[name](path)
    except OSError as error:
        answer = f"refused: {error.errno}"
    else:
        answer = "done"
    os.write(1, f"{answer}\n".encode())
    os._exit(0)
