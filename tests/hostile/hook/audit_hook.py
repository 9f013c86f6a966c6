"""Write down what this Python process does, from its first line on.

A `.pth` file of the interpreter loads it, so that it is in force in every process that is started
with that interpreter, whatever its environment is, and with `-I` and `-c` as well. It imports
nothing that Python has not imported by then, and it never raises.
"""

import json
import os
import sys

__all__ = ["install"]

_LONGEST = 400  # characters of an argument
_WATCHED = frozenset(
    {
        "compile",
        "ctypes.dlopen",
        "exec",
        "open",
        "os.chmod",
        "os.chown",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.link",
        "os.mkdir",
        "os.posix_spawn",
        "os.putenv",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.system",
        "os.truncate",
        "os.utime",
        "pickle.find_class",
        "pty.spawn",
        "shutil.rmtree",
        "shutil.unpack_archive",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "sqlite3.connect",
        "subprocess.Popen",
        "webbrowser.open",
    }
)
_DESCRIPTORS = ("/proc/self/fd/", "/dev/fd/")
_INSTALLED: tuple[str, ...] = ()


def install() -> None:
    """Begin to write; the process's own file lies in the folder `events` of the interpreter."""
    global _INSTALLED  # noqa: PLW0603 - it is set once, before the hook is there
    if _INSTALLED:
        return  # in a venv, Python goes through the `.pth` files twice
    with open(os.path.join(sys.prefix, "installed.json")) as file:  # noqa: PTH118, PTH123
        _INSTALLED = tuple(json.load(file))
    path = os.path.join(sys.prefix, "events", f"{os.getpid()}.jsonl")  # noqa: PTH118
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    begun = os.fstat(log)
    known: set[str] = set()
    busy: list[int] = []

    def write(line: str) -> None:
        nonlocal log
        try:
            now = os.fstat(log)
        except OSError:
            now = None
        if now is None or (now.st_dev, now.st_ino) != (begun.st_dev, begun.st_ino):
            # A fork has closed it, and the number may be another file's by now.
            log = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(log, line.encode("utf-8", "surrogateescape") + b"\n")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event not in _WATCHED or busy:
            return
        busy.append(1)
        try:
            line = _line(event, arguments)
            if line is not None and line not in known:
                known.add(line)
                write(line)
        except Exception:  # noqa: BLE001, S110 - what is watched must not notice
            pass
        finally:
            busy.clear()

    sys.addaudithook(hook)
    os.write(log, json.dumps({"event": "started", "arguments": _command()}).encode() + b"\n")


def _command() -> list[str]:
    """Return the command line; `sys.argv` is not set yet."""
    return [_short(item) for item in getattr(sys, "orig_argv", [])]


def _line(event: str, arguments: tuple[object, ...]) -> "str | None":
    """Return what is written of an event; None of those that every import brings."""
    if event == "open" and isinstance(arguments[0], int):
        return None
    if event in {"open", "compile", "exec"} and _is_installed(event, arguments):
        return None
    if event in {"compile", "exec"} and _is_of_a_library():
        return None
    if event == "exec":
        reported: list[object] = [getattr(arguments[0], "co_filename", "?"), _callers()]
    elif event == "compile":
        reported = [_short(arguments[1]), _short(arguments[0]), _callers()]
    elif event == "os.fork":
        reported = [_callers()]
    elif event == "pickle.find_class":
        reported = [*arguments, _callers()]
    elif event == "open":
        reported = [_followed(_path(arguments[0])), _path(arguments[1]), arguments[2]]
    elif event == "subprocess.Popen":
        reported = [_path(arguments[0]), [_short(item) for item in _listed(arguments[1])]]
    else:
        reported = _with_folders(event, [_path(argument) for argument in arguments])
    return json.dumps({"event": event, "arguments": reported})


_BELOW = {
    "os.chmod": {0: 2},
    "os.chown": {0: 3},
    "os.link": {0: 2, 1: 3},
    "os.mkdir": {0: 2},
    "os.remove": {0: 1},
    "os.rename": {0: 2, 1: 3},
    "os.rmdir": {0: 1},
    "os.symlink": {1: 2},
    "os.utime": {0: 3},
    "shutil.rmtree": {0: 1},
}
"""Which argument is a path, and which one the folder that it is relative to."""


def _with_folders(event: str, said: "list[object]") -> "list[object]":
    """Return arguments with paths in full, where they are relative to a descriptor."""
    for location, folder in _BELOW.get(event, {}).items():
        descriptor = said[folder] if folder < len(said) else None
        path = said[location]
        if isinstance(descriptor, int) and descriptor >= 0 and isinstance(path, str):
            above = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
            said[location] = os.path.join(above, path)  # noqa: PTH118
    return said


def _followed(path: object) -> object:
    """Return what a descriptor is of, if a path is one: only this process can tell."""
    if isinstance(path, str) and path.startswith(_DESCRIPTORS):
        return os.readlink(path)  # noqa: PTH115
    return path


def _is_installed(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "exec":
        path = getattr(arguments[0], "co_filename", "")
    else:
        path = arguments[1] if event == "compile" else arguments[0]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    reads = event != "open" or arguments[1] in {"r", "rb", None}
    return isinstance(path, str) and reads and path.startswith(_INSTALLED) and ".." not in path


def _is_of_a_library() -> bool:
    """Whether a library runs what it wrote itself, as `dataclasses` does: neither mfwb nor pickle.

    It is for speed; `policy.py` says the same of what is written down.
    """
    caller = sys._getframe(3).f_code.co_filename
    return (
        caller.startswith(_INSTALLED)
        and f"{os.sep}mfwb{os.sep}" not in caller
        and f"{os.sep}metaflow{os.sep}" not in caller
        and not caller.endswith(("pickle.py", "pickle_serializer.py"))
    )


def _callers() -> list[str]:
    """Return the files of the innermost frames, this one's aside."""
    files: list[str] = []
    frame = sys._getframe(3)
    while frame is not None and len(files) < 3:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back  # type: ignore[assignment]
    return files


def _listed(arguments: object) -> list[object]:
    return list(arguments) if isinstance(arguments, list | tuple) else [arguments]


def _path(value: object) -> object:
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tuple):
        return [_path(item) for item in value]
    if hasattr(value, "__fspath__"):
        value = value.__fspath__()
    return _short(value)


def _short(value: object) -> str:
    if isinstance(value, bytes):
        value = value[:_LONGEST].decode("utf-8", "backslashreplace")
    text = value[:_LONGEST] if isinstance(value, str) else repr(type(value))
    return text.encode("utf-8", "backslashreplace").decode()
