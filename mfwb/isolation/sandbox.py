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
    # name: of x86_64, of aarch64; None: it has none of that name
    "socket": (41, 198),  # of any family: Landlock knows no UDP and no sockets in the file system
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "execve": (59, 221),
    "execveat": (322, 281),
    # Another process could leave the group that is killed, and outlive all.
    "fork": (57, None),
    "vfork": (58, None),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    # Other processes of the user: Landlock keeps signals from them since Linux 6.12, and no more.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setrlimit": (160, 164),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # What processes share that is no file.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # What root could do to the machine.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "iopl": (172, None),
    "ioperm": (173, None),
    "vhangup": (153, 58),
    "syslog": (103, 116),
    # Ways past Landlock, or past this filter.
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # which makes other calls that no filter sees
}
_CALLS_WITHOUT_EFFECT = {
    # Landlock lets them change any file of the user's, by its name. Honest code, as that which
    # copies a file, fails if it can't; whose files these are to be is the parent's to say.
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_THREAD_SIGNAL = (234, 131)  # tgkill: by it a process ends itself when something is very wrong
_LIMITS = (302, 261)  # prlimit64: also of other processes
_IS_THREAD = 0x10000  # of the flags of `clone`
_LOAD, _RETURN = 0x20, 0x06
_JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _JUMP_IF_SET = 0x15, 0x35, 0x45
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in what a filter looks at
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000  # the latter with the error; without one, nothing is done
_REFUSE = _FAIL | errno.EPERM


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
    # A jump says how many steps it leaves out if it is true, and if it is not.
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
        *_answered(_CLONE3, column, _FAIL | errno.ENOSYS),  # then C libraries take the other one
        *_allowed_if(_CLONE, column, (_low(0), _JUMP_IF_SET, _IS_THREAD)),
        *_allowed_if(_THREAD_SIGNAL, column, (_low(0), _JUMP_IF_EQUAL, os.getpid())),
        *_allowed_if(  # to be told, and those of this process
            _LIMITS,
            column,
            (_low(0), _JUMP_IF_EQUAL, 0),
            (_low(2), _JUMP_IF_EQUAL, 0),
            (_low(2) + 4, _JUMP_IF_EQUAL, 0),
        ),
    ]
    for numbers in _REFUSED_CALLS.values():
        steps += _answered(numbers, column, _REFUSE)
    for numbers in _CALLS_WITHOUT_EFFECT.values():
        steps += _answered(numbers, column, _FAIL)
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    _called(kernel.prctl(_SET_SECCOMP, _SECCOMP_FILTER, program, 0, 0))


_Step = tuple[int, int, int, int]
_Numbers = tuple[int | None, ...]


def _answered(numbers: _Numbers, column: int, answer: int) -> list[_Step]:
    """Return the steps that answer a call, if this machine has it."""
    number = numbers[column]
    if number is None:
        return []
    return [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]


def _allowed_if(
    numbers: tuple[int, int], column: int, *conditions: tuple[int, int, int]
) -> list[_Step]:
    """Return the steps that refuse a call unless its arguments are like that.

    Args:
        numbers: of the call.
        column: of this machine.
        conditions: each where to look, how to compare, and with what.
    """
    inner: list[_Step] = []
    for place, comparison, value in conditions:
        inner += [(_LOAD, 0, 0, place), (comparison, 1, 0, value), (_RETURN, 0, 0, _REFUSE)]
    inner.append((_RETURN, 0, 0, _ALLOW))
    return [(_JUMP_IF_EQUAL, 0, len(inner), numbers[column]), *inner]


def _low(argument: int) -> int:
    """Return where the lower half of an argument of a call is; both machines store it first."""
    return _ARGUMENTS_AT + 8 * argument


def _called(result: int) -> int:
    """Return what a call returned; OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
