"""Sandbox: rights that a process gives up before it loads a pickle, whose code is then harmless.

Only Linux lets a process give up rights without being root. It has two mechanisms that complement
each other: Landlock (files, TCP, signals; since Linux 5.13) and seccomp (system calls). Each takes
three calls, made here with `ctypes`: the packages that wrap them are one person's pre-releases
(`landlock`), or need a C library that has to be installed separately (`pyseccomp`).

The numbers are those of the kernel's `landlock.h`, `seccomp.h` and `unistd.h`, which never change.
`tests/unit/isolation/test_sandbox.py` is their contract test.
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
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE

_ALL_TCP = 1 | 2  # to bind, to connect
_ALL_SCOPES = 1 | 2  # abstract sockets and signals reach only processes with the same limits
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER, _SET_DEATH_SIGNAL = 38, 22, 2, 1
_SIGKILL = 9

_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # the second system call interface of x86_64
_REFUSED_CALLS = {
    # name: number on x86_64, number on aarch64; None: the architecture has no such call
    "socket": (41, 198),  # of any family: Landlock covers neither UDP nor Unix sockets
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "execve": (59, 221),
    "execveat": (322, 281),
    # A new process could leave the process group that is killed, and survive.
    "fork": (57, None),
    "vfork": (58, None),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    # Other processes of the user: Landlock blocks signals to them since Linux 6.12, nothing else.
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
    # Resources that processes share and that are not files.
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
    # Changes to the machine that root could make.
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
    # Ways around Landlock, or around this filter.
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # its operations bypass the seccomp filter
}
_CALLS_WITHOUT_EFFECT = {
    # Landlock does not stop these calls, which can change any file of the user by its name. They
    # report success and do nothing: honest code, such as a file copy, would fail on an error. The
    # parent process sets owner and mode of the files.
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
_THREAD_SIGNAL = (234, 131)  # tgkill: a process uses it to abort itself
_LIMITS = (302, 261)  # prlimit64: can also change limits of other processes
_IS_THREAD = 0x10000  # of the flags of `clone`
_LOAD, _RETURN = 0x20, 0x06
_JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _JUMP_IF_SET = 0x15, 0x35, 0x45
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # offsets in the filter's input
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000  # _FAIL plus an errno; with errno 0 the call has no effect
_REFUSE = _FAIL | errno.EPERM


def confine(readable: Iterable[str], writable: Iterable[str]) -> tuple[str, ...]:
    """Give up all rights but to read and write below these paths; return the mechanisms in use.

    This applies to the current thread and to threads that it starts, so no other thread should
    exist yet. Files that are already open stay open. The result is empty if the system has no such
    mechanism.
    """
    if sys.platform != "linux":
        return ()
    mechanisms = []
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return ()
    with suppress(OSError):
        mechanisms.append(f"Landlock {_apply_landlock(kernel, readable, writable)}")
    with suppress(OSError):
        _refuse_calls(kernel)
        mechanisms.append("seccomp")
    return tuple(mechanisms)


def die_with_parent() -> None:
    """Make the kernel kill this process as soon as its parent process has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, _SIGKILL, 0, 0, 0)


def _apply_landlock(kernel: ctypes.CDLL, readable: Iterable[str], writable: Iterable[str]) -> int:
    """Apply Landlock and return its version; OSError if the kernel does not have it."""
    version = _check_result(kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_ONLY))
    handled = (1 << 13 + (version >= 2) + (version >= 3)) - 1  # noqa: PLR2004 - of the rights
    fields = [handled]
    if version >= _NETWORK_SINCE:
        fields.append(_ALL_TCP)
    if version >= _SCOPES_SINCE:
        fields.append(_ALL_SCOPES)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    rules = _check_result(kernel.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for paths, access in ((readable, _READ), (writable, _WRITE)):
            for path in paths:
                with suppress(FileNotFoundError, PermissionError):
                    _allow(kernel, rules, path, access & handled)
        _check_result(kernel.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)
    return version


def _allow(kernel: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _FILE_RIGHTS
        rule = struct.pack("=Qi", access, descriptor)
        _check_result(kernel.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _refuse_calls(kernel: ctypes.CDLL) -> None:
    """Install a filter that refuses system calls that no conversion makes; OSError if it fails."""
    machine = platform.machine()
    if machine not in _AUDIT_ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known here")
    column = list(_AUDIT_ARCHITECTURES).index(machine)
    # A jump holds how many steps to skip if the comparison is true, and how many if it is false.
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
        *_answer_call(_CLONE3, column, _FAIL | errno.ENOSYS),  # C libraries then fall back to clone
        *_allow_if(_CLONE, column, (_low_half_offset(0), _JUMP_IF_SET, _IS_THREAD)),
        *_allow_if(_THREAD_SIGNAL, column, (_low_half_offset(0), _JUMP_IF_EQUAL, os.getpid())),
        *_allow_if(  # only to read the limits, and only those of this process
            _LIMITS,
            column,
            (_low_half_offset(0), _JUMP_IF_EQUAL, 0),
            (_low_half_offset(2), _JUMP_IF_EQUAL, 0),
            (_low_half_offset(2) + 4, _JUMP_IF_EQUAL, 0),
        ),
    ]
    for numbers in _REFUSED_CALLS.values():
        steps += _answer_call(numbers, column, _REFUSE)
    for numbers in _CALLS_WITHOUT_EFFECT.values():
        steps += _answer_call(numbers, column, _FAIL)
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    _check_result(kernel.prctl(_SET_SECCOMP, _SECCOMP_FILTER, program, 0, 0))


_Step = tuple[int, int, int, int]
_Numbers = tuple[int | None, ...]


def _answer_call(numbers: _Numbers, column: int, answer: int) -> list[_Step]:
    """Return the filter steps that give a system call a fixed answer, if this machine has it."""
    number = numbers[column]
    if number is None:
        return []
    return [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]


def _allow_if(
    numbers: tuple[int, int], column: int, *conditions: tuple[int, int, int]
) -> list[_Step]:
    """Return the filter steps that refuse a system call unless its arguments meet all conditions.

    Args:
        numbers: the numbers of the call, one per architecture.
        column: the index of this machine's architecture.
        conditions: offset of the argument, comparison, and value to compare with.
    """
    inner: list[_Step] = []
    for offset, comparison, value in conditions:
        inner += [(_LOAD, 0, 0, offset), (comparison, 1, 0, value), (_RETURN, 0, 0, _REFUSE)]
    inner.append((_RETURN, 0, 0, _ALLOW))
    return [(_JUMP_IF_EQUAL, 0, len(inner), numbers[column]), *inner]


def _low_half_offset(argument: int) -> int:
    """Return the offset of an argument's lower half; both architectures store that half first."""
    return _ARGUMENTS_AT + 8 * argument


def _check_result(result: int) -> int:
    """Return the result of a kernel call; OSError if the call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
