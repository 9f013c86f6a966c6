"""mfwb in a process that need not import wandb anew, which takes longer than most syncs.

A server imports what mfwb imports, and forks for each call; the child then starts mfwb as
`python -m mfwb` does, in the folder and with the variables it is told. Metaflow, which reads
variables when it is imported, is not imported before.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from tests.support.known_code import know_code_of
from tests.support.launcher import ending_early, warm_up
from tests.support.warm_children import be_a_process_with_wandb, warm_children

__all__ = [
    "CLOSED",
    "LEFT",
    "Constraints",
    "Process",
    "serve",
    "shared_servers",
    "wait_for_somebody",
]

_NAME = "tests.support.warm"  # also where it runs as a program
_FLOWS = "tests.support.warm_flows"
_SHARED = "WARM_SERVERS"
_REPOSITORY = Path(__file__).resolve().parents[2]
_SLOW = (
    *(
        "mfwb.api",
        "mfwb.conversion.plugins",
        "mfwb.cli.app",
        "mfwb.report.html",
        "mfwb.sink.inspection",
        "mfwb.sink.push",
        "mfwb.sink.wandb_sink",
        "mfwb.wiring",
    ),
    *("concurrent.futures.process", "multiprocessing.connection", "multiprocessing.queues"),
    *("_strptime", "requests", "yaml"),
    "wandb.apis.public",  # which wandb imports for the first query: a third of an online sync
)
_SLOW_OF_SOME_VERSIONS = (
    "rich._unicode_data.unicode17-0-0",
    *("wandb.apis.public.summary", "wandb.apis._generated.get_default_entity"),
    *(
        f"wandb.sdk.artifacts._generated.{name}"
        for name in ("artifact_by_id", "artifact_membership_by_name", "artifact_type", "fragments")
    ),
    *("wandb.sdk.artifacts._internal_artifact", "wandb.sdk.launch.inputs.internal"),
)
_IN_FULL = (
    *("lineage", "pipeline", "planning", "report", "shards", "source", "verification"),
    "watch",
)
"""Folders of mfwb of which each module is imported that does without Metaflow."""
_LONGEST = 1 << 18  # bytes of a request


_CAPABILITY_VERSION = 0x20080522
_READ_AND_WRITE_ANY = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
CLOSED = "closed"
LEFT = "left"


@dataclass(frozen=True)
class Constraints:
    """What a process has to do without.

    Attributes:
        streams: by the number of a stream, as text: a path that is opened instead; `CLOSED`; or
            `LEFT`, for a pipe that nobody reads.
        limits: by the name of a resource, as in `RLIMIT_NOFILE`: the largest number.
        obeys: whether root may read and write only what the modes of files allow.
    """

    streams: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    obeys: bool = False


def _constrain(constraints: Constraints) -> None:
    """Take streams and resources from this process; Python finds a closed stream missing."""
    for number, name in constraints.streams.items():
        if name == CLOSED:
            os.close(int(number))
            setattr(sys, ("stdin", "stdout", "stderr")[int(number)], None)
            continue
        if name == LEFT:
            reading, opened = os.pipe()
            os.close(reading)
        else:
            opened = os.open(name, os.O_RDWR)
        os.dup2(opened, int(number))
        os.close(opened)
    for name, limit in constraints.limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if constraints.obeys:
        _obey_modes()


def _obey_modes() -> None:
    """Drop the capabilities by which root reads and writes any file; others have none."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, and their upper halves
    if libc.capget(header, data) == 0:
        data[0] &= ~_READ_AND_WRITE_ANY
        libc.capset(header, data)


class Process:
    """A running program; what subprocess.Popen offers, as far as it is needed."""

    def __init__(  # noqa: PLR0913 - what a process is started with
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        server: str = _NAME,
        constraints: Constraints | None = None,
        terminal: int | None = None,
        program: str | None = None,
    ) -> None:
        """Start mfwb in a folder, with all its variables; or what another server starts.

        Args:
            arguments: of its command line.
            folder: its current folder.
            environment: all its variables.
            server: the module of the process that forks for it.
            constraints: what it may not do.
            terminal: a descriptor for stdout and stderr; None: what is printed is kept.
            program: Python that runs in place of mfwb, as with `python -c`.
        """
        call = {
            "arguments": [*arguments],
            "folder": str(folder),
            "environment": {**environment},
            "constraints": asdict(constraints or Constraints()),
            "program": program,
        }
        self._reply, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - `communicate` closes them
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        # A test that fails in the middle leaves all this open: another one must not fail for it.
        weakref.finalize(self, _close, self._reply, self._out, self._err)
        with its, Path(os.devnull).open("rb") as nothing:
            printed = [self._out.fileno(), self._err.fileno()]
            printed = printed if terminal is None else [terminal] * 2
            streams = [nothing.fileno(), *printed, its.fileno()]
            socket.send_fds(_server(server), [json.dumps(call).encode()], streams)
        self.pid = int(self._reply.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None: it has not ended."""
        return self._wait(0)

    def kill(self) -> None:
        """Kill it, as `kill -9` does, and wait for its end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._wait(None)

    def close(self) -> None:
        """Kill it, unless it has ended; what it printed is gone."""
        self.kill()
        _close(self._reply, self._out, self._err)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Return what it printed; TimeoutExpired, in seconds, if it had to be killed."""
        if self._wait(timeout) is None:
            self.kill()
            raise subprocess.TimeoutExpired("what is tested", timeout)
        return _text_of(self._out), _text_of(self._err)

    def _wait(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._reply], [], [], seconds)[0]:
            self.returncode = int(self._reply.recv(64))
            self._reply.close()
        return self.returncode


def _close(*opened: socket.socket | IO[bytes]) -> None:
    for item in opened:
        item.close()


def _text_of(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode()


@contextmanager
def shared_servers() -> Iterator[None]:
    """Let all processes that this one starts meanwhile have the same servers.

    To warm up takes eight seconds of a processor, which each worker of pytest would need. Nothing
    is warmed up before somebody calls.
    """
    with tempfile.TemporaryDirectory(prefix="warm-", dir="/tmp") as folder, ExitStack() as stack:
        for module in (_NAME, _FLOWS):
            address = Path(folder, module)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(str(address))
                listener.listen(64)
                stack.enter_context(_started(module, listener))
        os.environ[_SHARED] = folder
        try:
            yield
        finally:
            del os.environ[_SHARED]


@cache
def _server(module: str) -> socket.socket:
    if _SHARED in os.environ:
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.connect(str(Path(os.environ[_SHARED], module)))
        atexit.register(ours.close)
        return ours
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        server = ExitStack()
        server.enter_context(_started(module, its))
    atexit.register(server.close)
    atexit.register(ours.close)
    return ours


@contextmanager
def _started(module: str, control: socket.socket) -> Iterator[None]:
    """Start a server, which ends with this."""
    server = subprocess.Popen(
        [sys.executable, "-m", module, str(control.fileno())],
        cwd=_REPOSITORY,
        env={**os.environ, "WANDB_ERROR_REPORTING": "false"},
        pass_fds=[control.fileno()],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    assert server.stdin is not None
    server.stdin.close()
    server.wait()


def wait_for_somebody() -> socket.socket:
    """Return where calls come from, or callers, once there is one."""
    control = socket.socket(fileno=int(sys.argv[1]))
    select.select([control, sys.stdin], [], [])
    return control


class _Callers:
    """Who may call: the one at the other end, or all who connect."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._is_shared = bool(control.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        self.opened = [control]

    def receive(self, ready: Sequence[object]) -> tuple[bytes, list[int]]:
        """Return the next call, and the streams that came with it; no bytes: there is none."""
        caller = next((caller for caller in self.opened if caller in ready), None)
        if caller is None:
            return b"", []
        if self._is_shared and caller is self._control:
            self.opened.append(caller.accept()[0])
            return b"", []
        message, streams, _, _ = socket.recv_fds(caller, _LONGEST, 4)
        if not message:
            self.opened.remove(caller)
            caller.close()
        return message, streams


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each call; return the call in the fork, in its folder with its variables.

    Args:
        control: where calls come from; or what those who call connect to.

    Returns:
        The call; None at the end, when stdin ends.
    """
    running: dict[int, socket.socket] = {}  # by process: who is told of its end
    callers = _Callers(control)
    with _ends() as ended:
        while True:
            ready, _, _ = select.select([ended, sys.stdin, *callers.opened], [], [])
            if ended in ready:
                _tell_ends(ended, running)
            if sys.stdin in ready:
                return None
            message, streams = callers.receive(ready)
            if not message:
                continue
            reply = socket.socket(fileno=streams.pop())
            process = os.fork()
            if process == 0:
                break
            for stream in streams:
                os.close(stream)
            with suppress(OSError):  # who called has gone
                reply.send(str(process).encode())
            running[process] = reply
    for opened in (reply, *callers.opened, *running.values()):
        opened.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    call: dict[str, Any] = json.loads(message)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    return call


@contextmanager
def _ends() -> Iterator[socket.socket]:
    """Yield what can be read when a child has ended."""
    ours, its = socket.socketpair()
    with ours, its:
        ours.settimeout(0)
        its.settimeout(0)
        before = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(its.fileno(), warn_on_full_buffer=False)
        yield ours
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, before)


def _tell_ends(ended: socket.socket, running: dict[int, socket.socket]) -> None:
    ended.recv(_LONGEST)
    with suppress(ChildProcessError):  # there is none
        while (end := os.waitpid(-1, os.WNOHANG))[0]:
            caller = running.pop(end[0], None)
            if caller is None:
                continue
            with caller, suppress(OSError):  # nobody waits any more
                caller.send(str(os.waitstatus_to_exitcode(end[1])).encode())


class _NoMetaflow(MetaPathFinder):
    """Finds no Metaflow."""

    def find_spec(self, fullname: str, *_: object) -> None:
        """Fail for what belongs to Metaflow; leave the others to those that come next."""
        if fullname.partition(".")[0] == "metaflow":
            raise ImportError(fullname)


@contextmanager
def _without_metaflow() -> Iterator[None]:
    finder = _NoMetaflow()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _import_mfwb() -> None:
    """Import what of mfwb does without Metaflow, and build what is built on first use.

    Of Metaflow, and of the modules that need it, only the code is read.
    """
    import mfwb  # noqa: PLC0415 - not in the tests' process
    from mfwb import outcome, plan_file  # noqa: PLC0415 - the same
    from mfwb.planning import plan  # noqa: PLC0415 - the same
    from mfwb.sink.content import edits, receipt  # noqa: PLC0415 - the same
    from mfwb.sink.offline import manifest  # noqa: PLC0415 - the same
    from mfwb.snapshot import codec  # noqa: PLC0415 - the same

    with _without_metaflow():
        modules = [
            module.name
            for folder in _IN_FULL
            for module in pkgutil.walk_packages([f"{mfwb.__path__[0]}/{folder}"], f"mfwb.{folder}.")
        ]
        for name in (*modules, *_SLOW_OF_SOME_VERSIONS):
            with suppress(ImportError):
                importlib.import_module(name)
    for kind in (plan.Plan, plan.PlannedRun):
        plan._adapter(kind)
    for result in (outcome.Estimate, outcome.FlowRunOutcome, outcome.ShardOutcome):
        outcome._adapter(result)
    for built in (codec, edits, manifest, plan_file, receipt):
        built._adapter()
    know_code_of(modules)


def _be_a_process_of_its_own() -> None:
    """Make up for what is done on import, once for each process: by wandb, and by us."""
    from mfwb.files.tempdirs import make_scratch  # noqa: PLC0415 - not in the tests' process
    from mfwb.sink.server import claims  # noqa: PLC0415 - the same

    claims._PROCESS_STARTED = time.monotonic()
    tempfile.tempdir = None
    scratch = make_scratch()  # mfwb imports wandb when temporary files lie in one
    atexit.register(shutil.rmtree, scratch)
    be_a_process_with_wandb(scratch)


def _main() -> None:
    from mfwb.isolation.memory_limit import ENVIRONMENT  # noqa: PLC0415 - not in the tests' process

    control = wait_for_somebody()
    with warm_children(ENVIRONMENT) as program:
        _import_mfwb()
        warm_up(_SLOW)
        call = serve(control)
        if call is None:
            return
    sys.executable = program
    _be_a_process_of_its_own()
    _constrain(Constraints(**call["constraints"]))
    sys.path[0] = call["folder"]
    sys.argv[1:] = call["arguments"]
    with ending_early():  # to take apart what a fork shares takes 0.1 s, half of a short command
        if call["program"] is None:
            runpy.run_module("mfwb", run_name="__main__", alter_sys=True)
        else:
            _run_program(call["program"])


def _run_program(text: str) -> None:
    sys.argv[0] = "-c"
    sys.modules["__main__"] = main = ModuleType("__main__")
    exec(compile(text, "<string>", "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - its job


if __name__ == "__main__":
    _main()
