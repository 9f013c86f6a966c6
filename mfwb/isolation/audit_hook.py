"""A hook that ends a process which does what no conversion does, wherever there is Python.

It is a second line behind `sandbox`, and the only one where the system has no such thing: it sees
what Python code does, not what a library in C does behind its back. So it is no jail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mfwb.pickles

__all__ = ["STOPPED", "watch"]

STOPPED = 77
"""The exit code of a process that was ended."""

_NEVER = [
    "ctypes.dlopen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.killpg",
    "os.posix_spawn",
    "os.putenv",
    "os.spawn",
    "os.startfile",
    "os.system",
    "os.unsetenv",
    "pickle.find_class",
    "pty.spawn",
    "resource.prlimit",
    "resource.setrlimit",
    "signal.pthread_kill",
    "socket.__new__",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendmsg",
    "socket.sendto",
    "sqlite3.connect",
    "subprocess.Popen",
    "sys.addaudithook",
    "urllib.Request",
    "webbrowser.open",
]
_CHANGES = [
    "os.chflags",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.setxattr",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "shutil.copyfile",
    "shutil.move",
    "shutil.rmtree",
]
_RUNS = ("compile", "exec")
_PICKLES = str(Path(mfwb.pickles.__file__).parent)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def watch(readable: Iterable[str], writable: Iterable[str]) -> None:
    """End this process, from now on, when it reaches for anything but these paths.

    Python is allowed to import, which is to read and to run what lies there.
    """
    may_write = tuple(map(_folder, writable))
    may_read = (*map(_folder, readable), *may_write)

    def opens(arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(path, (str, bytes)):
            allowed = may_write if isinstance(flags, int) and flags & _WRITES else may_read
            if not _folder(path).startswith(allowed):
                _stop(arguments)

    def changes(arguments: tuple[Any, ...]) -> None:
        for path in arguments[:2]:
            if isinstance(path, (str, bytes)) and not _folder(path).startswith(may_write):
                _stop(arguments)

    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
        **dict.fromkeys(_NEVER, _stop),
        **dict.fromkeys(_CHANGES, changes),
        **dict.fromkeys(_RUNS, _check_caller),
        "open": opens,
    }
    find = checks.get

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = find(event)
        if check is not None:
            check(arguments)

    sys.addaudithook(hook)


def _check_caller(arguments: tuple[Any, ...]) -> None:
    """Stop if it is a pickle that compiles or runs text; libraries do so to make classes."""
    frame = sys._getframe(2)  # noqa: SLF001 - who called what called the hook
    if frame.f_code.co_filename.startswith(_PICKLES):
        _stop(arguments)


def _folder(path: str | bytes) -> str:
    """Return a path such that those below it, and it alone, start with it."""
    return os.path.join(os.path.abspath(os.fsdecode(path)), "")  # noqa: PTH100, PTH118 - fast


def _stop(_arguments: tuple[Any, ...]) -> None:
    os._exit(STOPPED)
