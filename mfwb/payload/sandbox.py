"""What a process gives up before it looks at a pickle, so that it can do no harm whatever it runs.

Linux alone has a way to give up rights without being root, and it has two that add up: Landlock
(files, TCP, signals; since Linux 5.13) and seccomp (system calls). Both are three calls each, made
here by `ctypes`: the packages that wrap them are one person's pre-releases (`landlock`), or need a
C library that has to be installed beside (`pyseccomp`).

The numbers are those of the kernel's `landlock.h`, `seccomp.h` and `unistd.h`, which never change.
`tests/unit/payload/test_sandbox.py` is their contract test.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

__all__ = ["confine", "die_with_parent"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_ONLY = 1  # a flag: return the version of Landlock that the kernel has
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE

_ALL_TCP = 1 | 2  # to bind, to connect
_ALL_SCOPES = 1 | 2  # abstract sockets and signals stay among processes that are as confined
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER, _SET_DEATH_SIGNAL = 38, 22, 2, 1
_SIGKILL = 9

_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # the other way to call the kernel of x86_64
_REFUSED_CALLS = {
    # name: of x86_64, of aarch64
    "socket": (41, 198),  # of any family: Landlock knows no UDP and no sockets in the file system
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "mount": (165, 40),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # which makes other calls that no filter sees
    "pidfd_getfd": (438, 438),
}
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in what a filter looks at
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


def confine(readable: Iterable[str], writable: Iterable[str]) -> tuple[str, ...]:
    """Give up all rights but to read and write below some paths; return what sees to that.

    It holds for this thread and those that it starts, so there should be no other one yet. What is
    already open stays open. The return value is empty where the system knows no such thing.
    """
    if sys.platform != "linux":
        return ()
    found = []
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return ()
    with suppress(OSError):
        found.append(f"Landlock {_landlock(kernel, readable, writable)}")
    with suppress(OSError):
        _refuse_calls(kernel)
        found.append("seccomp")
    return tuple(found)


def die_with_parent() -> None:
    """Have the kernel kill this process as soon as the one that started it has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, _SIGKILL, 0, 0, 0)


def _landlock(kernel: ctypes.CDLL, readable: Iterable[str], writable: Iterable[str]) -> int:
    """Return the version of Landlock that holds from now on; OSError if there is none."""
    version = _called(kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_ONLY))
    handled = (1 << 13 + (version >= 2) + (version >= 3)) - 1  # noqa: PLR2004 - of the rights
    words = [handled]
    if version >= _NETWORK_SINCE:
        words.append(_ALL_TCP)
    if version >= _SCOPES_SINCE:
        words.append(_ALL_SCOPES)
    attributes = struct.pack(f"{len(words)}Q", *words)
    rules = _called(kernel.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for paths, access in ((readable, _READ), (writable, _WRITE)):
            for path in paths:
                with suppress(FileNotFoundError, PermissionError):
                    _allow(kernel, rules, path, access & handled)
        _called(kernel.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)
    return version


def _allow(kernel: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, place)
        _called(kernel.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _refuse_calls(kernel: ctypes.CDLL) -> None:
    """Have system calls fail that no conversion makes; OSError if that can't be had."""
    machine = platform.machine()
    if machine not in _AUDIT_ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known here")
    column = list(_AUDIT_ARCHITECTURES).index(machine)
    numbers = [each[column] for each in _REFUSED_CALLS.values()]
    # A jump says how many steps it leaves out if it is true, and if it is not.
    to_failure = len(numbers) + 1
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 0, to_failure + 2, _AUDIT_ARCHITECTURES[machine]),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_AT_LEAST, to_failure, 0, _X32),
        *(
            (_JUMP_IF_EQUAL, to_failure - place - 1, 0, number)
            for place, number in enumerate(numbers)
        ),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    _called(kernel.prctl(_SET_SECCOMP, _SECCOMP_FILTER, program, 0, 0))


def _called(result: int) -> int:
    """Return what a call returned; OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
