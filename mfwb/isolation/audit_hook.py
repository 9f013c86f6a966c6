"""Audit hook: ends a process that does something that no conversion does, on every system.

It is a second line of defence behind `sandbox`, and the only one on systems without a sandbox. It
sees what Python code does, but not what a C library does. So it is not a jail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mfwb.pickles

__all__ = ["STOPPED_EXIT_CODE", "install_audit_hook"]

STOPPED_EXIT_CODE = 77
"""The exit code of a process that the hook has ended."""

_FORBIDDEN_EVENTS = [
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
_FILE_CHANGE_EVENTS = [
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
_CODE_EVENTS = ("compile", "exec")
_PICKLES_FOLDER = str(Path(mfwb.pickles.__file__).parent)
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def install_audit_hook(readable: Iterable[str], writable: Iterable[str]) -> None:
    """End this process as soon as it accesses anything but these paths.

    Python may still import from them: read files there, and run them.
    """
    may_write = tuple(map(_folder_prefix, writable))
    may_read = (*map(_folder_prefix, readable), *may_write)

    def check_open(arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(path, (str, bytes)):
            allowed = may_write if isinstance(flags, int) and flags & _WRITE_FLAGS else may_read
            if not _folder_prefix(path).startswith(allowed):
                _exit_stopped(arguments)

    def check_change(arguments: tuple[Any, ...]) -> None:
        for path in arguments[:2]:
            if isinstance(path, (str, bytes)) and not _folder_prefix(path).startswith(may_write):
                _exit_stopped(arguments)

    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
        **dict.fromkeys(_FORBIDDEN_EVENTS, _exit_stopped),
        **dict.fromkeys(_FILE_CHANGE_EVENTS, check_change),
        **dict.fromkeys(_CODE_EVENTS, _check_caller),
        "open": check_open,
    }
    find = checks.get

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = find(event)
        if check is not None:
            check(arguments)

    sys.addaudithook(hook)


def _check_caller(arguments: tuple[Any, ...]) -> None:
    """End the process if a pickle compiles or runs text; libraries do so to create classes."""
    frame = sys._getframe(2)  # noqa: SLF001 - the caller of the function that called the hook
    if frame.f_code.co_filename.startswith(_PICKLES_FOLDER):
        _exit_stopped(arguments)


def _folder_prefix(path: str | bytes) -> str:
    """Return an absolute path with a separator at its end: a prefix of exactly what is below it."""
    return os.path.join(os.path.abspath(os.fsdecode(path)), "")  # noqa: PTH100, PTH118 - fast


def _exit_stopped(_arguments: tuple[Any, ...]) -> None:
    os._exit(STOPPED_EXIT_CODE)
