"""Metaflow in processes that need not import Metaflow, pandas and scikit-learn anew.

To run a flow of eight tasks takes nine processes, and most of their time goes into imports. A
server imports the packages that flows use. It forks for each flow run; the fork imports Metaflow,
in the folder and with the variables it is told, and forks again: for the program that runs the
flow, and for each script that this one starts with `sys.executable`, which is a launcher then.

What is not as with `python flow.py`: packages that a flow imports are there already, and all tasks
of one server hash texts alike.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from tests.warm import Process, serve

__all__ = ["start_script"]

_REPOSITORY = Path(__file__).resolve().parent.parent
_USED = (
    *("asyncio", "importlib.metadata", "importlib.resources", "requests", "yaml"),
    *("pandas", "pyarrow.parquet", "pyarrow.pandas_compat"),
    *("sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection"),
)
_LONGEST = 1 << 18  # bytes of a request
_LAUNCHER = """#!{python} -IS
import _socket, os, sys
arguments = sys.argv[1:]
if arguments[:1] == ["-u"]:
    del arguments[0]
if not arguments or arguments[0].startswith("-"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.connect({address!r})
variables = [name + b"=" + text for name, text in os.environb.items()]
parts = [os.getcwdb(), str(len(variables)).encode(), *variables, *map(os.fsencode, arguments)]
streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in (0, 1, 2))
server.sendmsg([b"\\0".join(parts)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
code = int(server.recv(64) or 70)
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def start_script(
    script: str, *arguments: str, folder: Path, environment: Mapping[str, str]
) -> Process:
    """Start `python script arguments` in a folder, with all its variables."""
    everything = [script, *arguments]
    return Process(everything, folder=folder, environment=environment, server=__name__)


def _main() -> None:
    _warm_up()
    call = serve(socket.socket(fileno=int(sys.argv[1])))
    if call is None:
        return
    sys.path[:] = [path for path in sys.path if path not in {"", str(_REPOSITORY)}]
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    with suppress(ImportError):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    place = Path(tempfile.mkdtemp(prefix="warm-", dir="/tmp"))
    code = _run(call["arguments"], place)
    shutil.rmtree(place)
    with _ending_early():
        sys.exit(code if code >= 0 else 128 - code)


def _warm_up() -> None:
    for name in _USED:
        importlib.import_module(name)
    if "metaflow" in sys.modules or threading.active_count() > 1:
        raise SystemExit("what is here can't be shared")
    gc.collect()
    gc.freeze()


def _run(arguments: Sequence[str], place: Path) -> int:
    """Run a script, and those that it starts, in forks of this process.

    Returns the script's exit code, negative for a signal.
    """
    python, sys.executable = sys.executable, str(place / "python")
    address = str(place / "socket")
    launcher = Path(sys.executable)
    launcher.write_text(_LAUNCHER.format(python=python, address=address), encoding="utf-8")
    launcher.chmod(0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen(64)
    sys.modules["__main__"] = ModuleType("__main__")  # Metaflow puts something there
    importlib.import_module("metaflow")
    first, life = _fork()
    if first == 0:
        _be(arguments)
    running = {life: first}  # processes by their lives
    callers: dict[int, socket.socket] = {}  # by life: who is told of the end
    while True:
        watched: list[Any] = [listener, *running, *callers.values()]
        ready, _, _ = select.select(watched, [], [])
        if life in ready:
            return _end_of(first)
        for begun, caller in [*callers.items()]:
            if begun in ready:
                with suppress(OSError):
                    caller.send(str(_end_of(running.pop(begun))).encode())
                callers.pop(begun).close()
                os.close(begun)
            elif caller in ready:
                os.kill(running[begun], signal.SIGKILL)
        if listener in ready:
            caller, _ = listener.accept()
            process, begun = _answer(caller)
            running[begun], callers[begun] = process, caller


def _fork() -> tuple[int, int]:
    """Return the process, 0 in the fork itself, and a file that ends when the process does."""
    life, held = os.pipe()
    process = os.fork()
    os.close(life if process == 0 else held)
    return process, life


def _end_of(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _answer(caller: socket.socket) -> tuple[int, int]:
    """Start what a launcher asks for; return the process, and a file that ends when it does."""
    message, streams, _, _ = socket.recv_fds(caller, _LONGEST, 3)
    process, life = _fork()
    if process == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        folder, count, *rest = message.split(b"\0")
        os.chdir(folder)
        os.environb.clear()
        pairs = (one.partition(b"=") for one in rest[: int(count)])
        os.environb.update({name: text for name, _, text in pairs})
        _be([os.fsdecode(one) for one in rest[int(count) :]])
    for stream in streams:
        os.close(stream)
    return process, life


def _be(arguments: Sequence[str]) -> NoReturn:
    """Do what `python -u` does with a script and its arguments, and end."""
    # Files of the other processes are open here: a life ends only with the process that holds its
    # other side, which nobody else has; and who calls is told by a message, not by an end.
    sys.stdout, sys.stderr = _written_at_once(1), _written_at_once(2)
    sys.modules["numpy"].random.seed()  # it is each process's own
    main = sys.modules["__main__"]
    main.__file__ = arguments[0]
    sys.argv[:] = arguments
    sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
    code = compile(Path(arguments[0]).read_bytes(), arguments[0], "exec", dont_inherit=True)
    with _ending_early():
        exec(code, main.__dict__)  # noqa: S102 - it is what this is for
    raise AssertionError("it has ended")


@contextmanager
def _ending_early() -> Iterator[None]:
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
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def _written_at_once(stream: int) -> io.TextIOWrapper:
    raw = open(stream, "wb", buffering=0, closefd=False)  # noqa: SIM115 - as long as we live
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


if __name__ == "__main__":
    _main()
