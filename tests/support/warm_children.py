"""Python for what mfwb itself starts: it need not import pandas or wandb anew.

Four servers import what these processes import, each for one kind, and fork for each process. mfwb
starts its `sys.executable`, which is a launcher then.

What is not as with Python itself: all processes of one server hash texts alike.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from tests.support.launcher import answer_launchers, ending_early, listen, warm_up, write_launcher

__all__ = ["be_a_process_with_wandb", "warm_children"]

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class _Kind:
    """A kind of process: what a launcher knows it by, and what it imports."""

    part: str
    modules: tuple[str, ...]


_COPIES = "mfwb.isolation.forkserver_child"
_KINDS = {
    "inspecting": _Kind(
        "mfwb.conversion.inspector_child import", ("mfwb.conversion.inspector_child", _COPIES)
    ),
    "converting": _Kind(
        "mfwb.conversion.converter_child import",
        (
            "importlib.metadata",
            "pandas",
            "pyarrow.parquet",
            "mfwb.conversion.converter_child",
            _COPIES,
        ),
    ),
    "uploading": _Kind("/mfwb/sink/wandb_sync/child.py", ("wandb.cli.cli",)),
    "sharding": _Kind(
        "mfwb.shards.child import",
        (
            *("mfwb.api", "mfwb.shards.child", "mfwb.sink.wandb_sink", "mfwb.wiring"),
            *("_strptime", "requests", "wandb.apis.public", "yaml"),
        ),
    ),
}
_LOOKS_AT_PICKLES = {"inspecting", "converting"}


@contextmanager
def warm_children(variables: Mapping[str, str]) -> Iterator[str]:
    """Start the servers, and end them, unless this is left in a fork.

    Args:
        variables: that processes which look at pickles are started with.

    Yields:
        The program that stands for Python.
    """
    owner = os.getpid()
    location = Path(tempfile.mkdtemp(prefix="warm-", dir="/tmp"))
    program = location / "python"
    write_launcher(program, {kind.part: location / name for name, kind in _KINDS.items()})
    servers = [
        _start(name, location / name, variables if name in _LOOKS_AT_PICKLES else {})
        for name in _KINDS
    ]
    try:
        yield str(program)
    finally:
        for server in servers:
            assert server.stdin
            server.stdin.close()  # its end is that of the server, as soon as no fork has it
        if os.getpid() == owner:
            for server in servers:
                server.wait()
            shutil.rmtree(location)


def _start(name: str, address: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with listen(address) as listener:  # before it is ready, so that nobody comes too early
        return subprocess.Popen(
            [sys.executable, "-m", __name__, name, str(listener.fileno())],
            cwd=_REPOSITORY,
            env={**os.environ, **variables, "WANDB_ERROR_REPORTING": "false"},
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def be_a_process_with_wandb(folder: Path | None = None) -> None:
    """Make up for what wandb (0.31.0) does on import, once for each process.

    Args:
        folder: of temporary files; otherwise the system's.
    """
    from wandb.sdk.data_types._private import MEDIA_TMP  # noqa: PLC0415

    tempfile.tempdir = None
    MEDIA_TMP._finalizer.detach()  # type: ignore[attr-defined]
    MEDIA_TMP.__init__("wandb-media", dir=folder and str(folder))  # type: ignore[misc]


def _main() -> None:
    name, number = sys.argv[1:]
    listener = socket.socket(fileno=int(number))
    select.select([listener, sys.stdin], [], [])  # there are tests that need no such process
    warm_up(_KINDS[name].modules)
    if name == "sharding":  # it starts processes of the other kinds
        sys.executable = str(Path(listener.getsockname()).with_name("python"))
    answer_launchers(listener, _be, until=0)


def _be(arguments: Sequence[str]) -> NoReturn:
    """Do what Python does with a script or `-c`, in a session of its own, and end."""
    os.setsid()
    time.tzset()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # what is imported, may be read
    if "wandb" in sys.modules:
        be_a_process_with_wandb()
    if claims := sys.modules.get("mfwb.sink.server.claims"):
        claims.__dict__["_PROCESS_STARTED"] = time.monotonic()
    sys.modules["__main__"] = main = ModuleType("__main__")
    if arguments[0] == "-c":
        sys.argv[:], sys.path[0] = ["-c", *arguments[2:]], ""
        path, text = "<string>", arguments[1].encode()
    else:
        sys.argv[:], sys.path[0] = arguments, str(Path(arguments[0]).parent)
        path, text = arguments[0], Path(arguments[0]).read_bytes()
    with ending_early():
        exec(compile(text, path, "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - its job
    raise AssertionError("it has ended")


if __name__ == "__main__":
    _main()
