"""A program that stands for Python: what it is asked to run, a fork of a warm process runs.

To whoever starts it, it is the process itself: it gets the arguments, and it ends as the fork does.
If it is killed, so is the fork.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

__all__ = [
    "answer_launchers",
    "end_of",
    "ending_early",
    "fork",
    "listen",
    "warm_up",
    "write_launcher",
]

_LONGEST = 1 << 18  # bytes of a request
_MOST_FILES = 16
_OUT_OF_THE_WAY = 200  # more than any number of a file that is passed on
_TEXT = """#!{python} -IS
import _socket, os, sys
arguments = sys.argv[1:]
if arguments[:1] == ["-u"]:
    del arguments[0]
if arguments and not arguments[0].startswith("-"):
    what = "script " + arguments[0]
else:
    what = " ".join(arguments[:2])
address = next((address for part, address in {servers!r}.items() if part in what), None)
if address is None:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
files = [0, 1, 2]
for name in os.listdir("/dev/fd"):
    try:
        if int(name) > 2 and os.fstat(int(name)):
            files.append(int(name))
    except OSError:
        pass
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.connect(address)
variables = [name + b"=" + text for name, text in os.environb.items()]
numbers = ",".join(map(str, files)).encode()
parts = [numbers, os.getcwdb(), str(len(variables)).encode(), *variables]
message = b"\\0".join([*parts, *map(os.fsencode, arguments)])
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in files)
server.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
for number in files[3:]:
    os.close(number)
code = int(server.recv(64) or 70)
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def write_launcher(path: Path, servers: Mapping[str, Path]) -> None:
    """Write the program; by what it is asked for, it finds who does that.

    Args:
        path: of the program.
        servers: by a part of what they do: `-c` and the text, or `script` and its path. What is
            nobody's, Python itself does.
    """
    addresses = {part: str(address) for part, address in servers.items()}
    path.write_text(_TEXT.format(python=sys.executable, servers=addresses), encoding="utf-8")
    path.chmod(0o700)


def listen(address: Path) -> socket.socket:
    """Return a socket that launchers may connect to from now on."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(address))
    listener.listen(64)
    return listener


def warm_up(modules: Iterable[str]) -> None:
    """Import modules, and make the memory of this process one that forks can share."""
    for name in modules:
        importlib.import_module(name)
    if "metaflow" in sys.modules or threading.active_count() > 1:
        raise SystemExit("what is here can't be shared")
    gc.collect()
    gc.freeze()


def answer_launchers(
    listener: socket.socket, be: Callable[[Sequence[str]], NoReturn], until: int
) -> None:
    """Have forks do what launchers are asked for, until a file ends.

    Args:
        listener: that launchers connect to.
        be: does what Python does with arguments, in a fork, and ends it.
        until: the file's number.
    """
    running: dict[int, int] = {}  # processes by their lives
    callers: dict[int, socket.socket] = {}  # by life: who is told of the end
    while True:
        watched: list[Any] = [listener, until, *running, *callers.values()]
        ready, _, _ = select.select(watched, [], [])
        if until in ready:
            return
        for begun, caller in [*callers.items()]:
            if begun in ready:
                with suppress(OSError):
                    caller.send(str(end_of(running.pop(begun))).encode())
                callers.pop(begun).close()
                os.close(begun)
            elif caller in ready:
                os.kill(running[begun], signal.SIGKILL)
        if listener in ready:
            caller, _ = listener.accept()
            process, begun = _answer(caller, be)
            running[begun], callers[begun] = process, caller


def fork() -> tuple[int, int]:
    """Return the process, 0 in the fork itself, and a file that ends when the process does."""
    life, held = os.pipe()
    process = os.fork()
    if process == 0:
        fcntl.fcntl(held, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
        os.close(life)
    os.close(held)
    return process, life


def end_of(process: int) -> int:
    """Wait for the end of a fork; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@contextmanager
def ending_early() -> Iterator[None]:
    """End the process with what is inside, as Python does, but for taking all modules apart.

    That would copy all that a fork shares with its server, and none of it is ours to test.
    """
    code: object = 0
    try:
        yield
    except SystemExit as ending:
        code = ending.code
    except BaseException:  # noqa: BLE001 - it is told, as Python does
        code = 1
        sys.excepthook(*sys.exc_info())
    if not (code is None or isinstance(code, int)):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit((code or 0) if _flushed() else 120)


def _flushed() -> bool:
    """Flush what is printed; where that fails, say so as Python does, which ends with 120 then."""
    flushed = [_is_flushed(stream) for stream in (sys.stdout, sys.stderr) if stream is not None]
    return all(flushed)


def _is_flushed(stream: TextIO) -> bool:
    try:
        if not stream.closed:
            stream.flush()
    except (OSError, ValueError) as error:
        if stream is sys.stdout and sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"Exception ignored in: {stream!r}\n{error!r}\n")
        return False
    return True


def _answer(caller: socket.socket, be: Callable[[Sequence[str]], NoReturn]) -> tuple[int, int]:
    """Start what a launcher asks for; return the process, and a file that ends when it does."""
    message, files, _, _ = socket.recv_fds(caller, _LONGEST, _MOST_FILES)
    process, life = fork()
    if process == 0:
        numbers, folder, count, *rest = message.split(b"\0")
        _give(files, [int(part) for part in numbers.split(b",")])
        os.chdir(folder)
        os.environb.clear()
        pairs = (item.partition(b"=") for item in rest[: int(count)])
        os.environb.update({name: text for name, _, text in pairs})
        be([os.fsdecode(item) for item in rest[int(count) :]])
    for file in files:
        os.close(file)
    return process, life


def _give(files: Sequence[int], numbers: Sequence[int]) -> None:
    """Give files the numbers that they had in the process that passed them on."""
    away = [fcntl.fcntl(file, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(away, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
