"""Which of the things that processes did they may do. Knows nothing of how mfwb is built."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.watch import INSTALLED, REPOSITORY, Event

__all__ = ["Bounds", "violations"]

_OF_THE_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/sys", "/dev/null", "/dev/urandom", "/dev/random", "/dev/tty"),
    *("/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/ssl", "/etc/pki"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/os-release", "/etc/debian_version", "/etc/lsb-release", "/etc/machine-id"),
    *("/etc/httpd/mime.types", "/etc/apache", "/etc/apache2", "/etc/httpd", "/etc/ld.so.cache"),
    *("/var/lib/dbus/machine-id", "/etc/services", "/etc/protocols", "/etc/zoneinfo"),
    *("/System", "/Library", "/private/etc/apache2"),
)
_OF_PROC = re.compile(
    r"/proc/(?:self|\d+)/(?:stat|statm|status|cgroup|mountinfo|mounts|maps|smaps|limits|fd|task"
    r"|cmdline|exe|comm|oom\w+|smaps_rollup)\b|/proc/(?:cpuinfo|meminfo|stat|mounts|version"
    r"|sys/\S*|uptime|loadavg|filesystems|self|driver\S*|diskstats|net/\S*|1/cgroup|modules)"
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ONLY_NAMED = getattr(os, "O_PATH", 0)  # nothing can be read by such a descriptor
_CHANGES = {
    "os.chmod": 1,
    "os.chown": 1,
    "os.link": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.utime": 1,
    "shutil.rmtree": 1,
}
"""Events that change files, and how many of their arguments are paths."""

_STARTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "pty.spawn"}
_CORE = "wandb-core"
_OWN_PROGRAM = (
    re.compile(r"-[IEsSBuPWX]+\w*"),
    re.compile(r"import os; print\(os\.umask\(22\)\)"),  # wandb's cache of artifacts
    re.compile(r"(?s)-c|import sys; sys\.path\[:\] = \[.*|from mfwb\.[a-z_.]+ import main.*"),
    re.compile(r"-m|mfwb\.[a-z_.]+"),
)
_ASKS_THE_SYSTEM = {"ldconfig", "uname", "gcc", "cc", "objdump", "ld", "lsb_release"}
_SITE = "<frozen site>"
"""What runs the lines of the installation's `.pth` files, before any program runs."""

_INNER = re.compile(r"<(?:string|frozen [\w.]+|template|attrs generated .*|unknown|generated.*)>")


@dataclass(frozen=True)
class Bounds:
    """What the processes of one call may touch.

    Attributes:
        readable: folders whose files may be read.
        writable: folders whose files may be made, changed and removed.
        secret: files and folders below the readable ones that may not be read all the same.
        ports: of this machine, to which they may connect.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    secret: tuple[Path, ...]
    ports: tuple[int, ...]
    folder: Path


def violations(events: Iterable[Event], bounds: Bounds) -> list[str]:
    """Return the events that must not be, as text, each once."""
    each = {(event.name, repr(event.arguments)): event for event in events}
    result = (str(event) for event in each.values() if not _is_allowed(event, bounds))
    return sorted(set(result))


def _is_allowed(event: Event, bounds: Bounds) -> bool:  # noqa: C901, PLR0911, PLR0912 - a line per kind
    arguments = event.arguments
    if event.name == "open":
        return _may_open(arguments, bounds)
    if event.name == "os.mkdir" and _is_above(arguments[0], bounds):
        return True  # it is there already
    if event.name in _CHANGES:
        return all(_may_write(path, bounds) for path in _paths_in(event))
    if event.name in {"exec", "compile"}:
        return _may_compile(event)
    if event.name == "pickle.find_class":
        return _may_load(arguments)
    if event.name == "subprocess.Popen":
        return _may_start(arguments)
    if event.name == "os.fork":
        return _is_written_in(arguments[0])
    if event.name in _STARTS:
        return False
    if event.name == "socket.connect":
        return _may_connect(arguments[-1], bounds)
    if event.name in {"socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        return _is_loopback(arguments[0]) or event.name == "socket.sendto"
    if event.name == "ctypes.dlopen":
        return _may_link(arguments[0])
    if event.name in {"shutil.unpack_archive", "webbrowser.open"}:
        return False
    if event.name == "sqlite3.connect":
        return arguments[0] == ":memory:" or _may_write(arguments[0], bounds)
    return True


def _paths_in(event: Event) -> list[Any]:
    """Return the paths that an event changes: a link's target is only named."""
    paths = list(event.arguments[: _CHANGES[event.name]])
    return paths[1:] if event.name == "os.symlink" else paths


def _may_open(arguments: tuple[Any, ...], bounds: Bounds) -> bool:
    path, mode, flags = arguments
    writes = bool(flags & _WRITES) if isinstance(flags, int) else False
    if isinstance(mode, str) and set(mode) & set("wax+"):
        writes = True
    if not isinstance(path, str) or (isinstance(flags, int) and flags & _ONLY_NAMED):
        return True
    if mode is None and os.sep not in path and path != "..":
        return True  # by `os.open`, which does not say below which folder
    return _may_write(path, bounds) if writes else _may_read(path, bounds)


def _may_read(path: str, bounds: Bounds) -> bool:
    real = _real(path, bounds)
    if not real:
        return True  # a NUL, or a name that is too long: nothing is opened
    named = os.path.abspath(bounds.folder / path)  # noqa: PTH100
    if _OF_PROC.fullmatch(named) or named.endswith(("/fd", "/proc")):
        return True
    if _below(real, (*map(str, bounds.secret),)):
        return False
    return _below(real, (*_OF_THE_SYSTEM, *map(str, (*INSTALLED, *bounds.readable)))) or _below(
        real, (str(REPOSITORY / "tests" / "flows"),)
    )


def _may_write(path: Any, bounds: Bounds) -> bool:
    if not isinstance(path, str) or path in {"/dev/null", "/dev/tty"}:
        return True  # a descriptor that was opened before
    real = _real(path, bounds)
    installs = "__pycache__" in real and _below(real, tuple(map(str, INSTALLED)))
    return not real or installs or _below(real, tuple(map(str, bounds.writable)))


def _is_above(path: Any, bounds: Bounds) -> bool:
    """Whether a folder is one of those in which a command's own folders lie."""
    real = _real(str(path), bounds)
    return any(_below(str(item), (real,)) for item in bounds.writable)


def _real(path: str, bounds: Bounds) -> str:
    """Return where a path leads, but for its last part, which may be a link that is replaced."""
    try:
        return os.path.realpath(bounds.folder / path)
    except (OSError, ValueError):
        return ""


def _below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _may_compile(event: Event) -> bool:
    """Whether code is run or compiled by a library's own wish, or is a file of the installation.

    `ast.parse` compiles, too, and makes no code: the frame that calls is that of the module ast.
    """
    name, callers = event.arguments[0], event.arguments[-1]
    if _below(name, tuple(map(str, INSTALLED))):
        return True
    innermost = callers[0] if callers else ""
    if event.name == "compile" and innermost.endswith(f"{os.sep}ast.py"):
        return True
    if name == "<string>" and innermost == "<string>" and len(callers) == 1:
        return True  # the program of `-c`
    if _SITE in callers and all(caller in ("<string>", _SITE) for caller in callers):
        return True  # a line of a `.pth` file of the installation, such as coverage's
    # The checkout may be called mfwb, too, and have the libraries below it.
    is_ours = _below(innermost, (str(REPOSITORY / "mfwb"),)) or "-packages/mfwb/" in innermost
    is_watched = is_ours or innermost.endswith(("pickle.py", "pickle_serializer.py"))
    by_library = _below(innermost, tuple(map(str, INSTALLED))) or innermost.startswith("<frozen")
    return by_library and not is_watched and bool(_INNER.fullmatch(name) or name.startswith("<"))


_LOADED = {
    "builtins": {"set", "frozenset", "complex", "bytearray", "range", "slice", "object", "list"},
    "collections": {"OrderedDict", "Counter", "defaultdict", "deque"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "uuid": {"UUID"},
    "pathlib": {"PosixPath", "PurePosixPath", "Path", "WindowsPath", "PureWindowsPath", "PurePath"},
}
"""Plain values of the standard library, which do nothing when they are made."""


def _may_load(arguments: tuple[Any, ...]) -> bool:
    module, name = arguments[0], arguments[1]
    if module in _LOADED:
        return name in _LOADED[module]
    return module.split(".")[0] in {"numpy", "pandas", "pyarrow"} and not name.startswith("read_")


def _may_start(arguments: tuple[Any, ...]) -> bool:
    program, command = arguments
    name = os.path.basename(str(program))  # noqa: PTH119
    if name == _CORE or name in _ASKS_THE_SYSTEM:
        return True
    if not name.startswith("python"):
        return False
    rest = list(command[1:])
    ours = str(REPOSITORY / "mfwb")
    return all(
        str(item).startswith(ours)
        or str(item).isdecimal()
        or os.sep in str(item)
        or any(pattern.fullmatch(str(item)) for pattern in _OWN_PROGRAM)
        for item in rest
    )


def _is_written_in(callers: list[str]) -> bool:
    """Whether the innermost file calls `os.fork` itself; what loads a pickle does not."""
    path = Path(callers[0]) if callers else Path()
    return (
        _below(str(path), tuple(map(str, INSTALLED)))
        and path.is_file()
        and "os.fork()" in path.read_text(encoding="utf-8", errors="replace")
    )


def _may_connect(address: Any, bounds: Bounds) -> bool:
    if isinstance(address, str):
        return True  # a socket in a folder: wandb-core's
    host, port = address[0], address[1]
    return _is_loopback(host) and port in bounds.ports


def _is_loopback(host: Any) -> bool:
    return host in {"127.0.0.1", "localhost", "::1", "", None}


def _may_link(library: Any) -> bool:
    if not isinstance(library, str) or os.sep not in library:
        return True  # by its name, where the system looks for libraries
    return _below(os.path.realpath(library), (*_OF_THE_SYSTEM, *map(str, INSTALLED)))
