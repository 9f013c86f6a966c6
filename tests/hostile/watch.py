"""Run a program as a user does, and see what it and its children do, take and leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

__all__ = ["INSTALLED", "REPOSITORY", "Event", "Interpreter", "Watched"]

REPOSITORY = Path(__file__).resolve().parents[2]
_HOOK = Path(__file__).with_name("hook")
_EVERY = 0.05  # seconds between two looks at the memory
_LITTLE = 400_000_000  # bytes: of so few it does not matter which are shared, and to ask is dear
_OUTPUT = 5_000_000  # bytes of output that are kept; nobody reads more

_LINUX_TELLS = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _installed() -> tuple[Path, ...]:
    result = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parent.parent,
        *(Path(path) for path in sysconfig.get_paths().values()),
        REPOSITORY / "mfwb",
        _HOOK,
    }
    return tuple(sorted({*result, *(path.resolve() for path in result)}))


INSTALLED = _installed()
"""The folders of Python, of what is installed, and of mfwb."""


@dataclass(frozen=True)
class Event:
    """One thing that a Python process did, as `sys.addaudithook` reports it."""

    process: int
    name: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name} {' '.join(str(argument) for argument in self.arguments)[:300]}"


@dataclass(frozen=True)
class Watched:
    """A program that ended, or was ended.

    Attributes:
        code: its exit code, negative for a signal; None: it had to be ended.
        peak: bytes of memory that it and its children had at one time; if they were few, what they
            share counts for each of them.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    peak: int
    events: tuple[Event, ...]

    @property
    def document(self) -> Any:
        """What it printed, as JSON; None if that is none."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


class Interpreter:
    """A Python of its own in a folder, which has all that this one has, and the hook in force."""

    def __init__(self, folder: Path) -> None:
        """Make it; this takes milliseconds, since all of it are links."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = folder / "lib" / version / "site-packages"
        (folder / "bin").mkdir(parents=True)
        packages.mkdir(parents=True)
        (folder / "events").mkdir()
        base = Path(sys.executable).resolve()
        self.program = folder / "bin" / "python"
        self.mfwb = folder / "bin" / "mfwb"
        self.program.symlink_to(base)
        # As pip makes it: with `-m`, Python would look for modules in the current folder first.
        self.mfwb.write_text("import sys\nfrom mfwb.cli import main\nsys.exit(main())\n")
        (folder / "pyvenv.cfg").write_text(
            f"home = {base.parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
        )
        folders = (*INSTALLED, folder / "lib")
        installed = [*(f"{path}{os.sep}" for path in folders), str(self.mfwb)]
        (folder / "installed.json").write_text(json.dumps(installed), encoding="utf-8")
        ours = sysconfig.get_path("purelib")
        (packages / "watched.pth").write_text(
            f"{_HOOK}\n{REPOSITORY}\nimport audit_hook; audit_hook.install()\n"
            f"import site; site.addsitedir({ours!r})\n",
            encoding="utf-8",
        )
        self.events_folder = folder / "events"

    def run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        seconds: float,
    ) -> Watched:
        """Run it to its end, or to the end of those seconds."""
        self._forget()
        began = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                [str(self.program), *arguments],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            tree = _Tree(process.pid)
            while process.poll() is None and time.monotonic() < began + seconds:
                tree.look()
                time.sleep(_EVERY)
            code = process.poll()
            took = time.monotonic() - began
            tree.end()
            process.wait()
            return Watched(code, _text(out), _text(err), took, tree.peak, tuple(self.events()))

    def events(self) -> list[Event]:
        """Return what the processes of the last run did."""
        return [
            Event(int(path.stem), line["event"], tuple(line["arguments"]))
            for path in sorted(self.events_folder.glob("*.jsonl"))
            for line in map(json.loads, path.read_bytes().splitlines())
        ]

    def _forget(self) -> None:
        for path in self.events_folder.glob("*.jsonl"):
            path.unlink()


class _Tree:
    """A process and all that came of it."""

    def __init__(self, pid: int) -> None:
        self._known: dict[int, psutil.Process] = {pid: psutil.Process(pid)}
        self.peak = 0
        self._most = 0

    def look(self) -> None:
        """Note new processes, and the memory of all."""
        # Its number may be another one's by now.
        self._known = {pid: item for pid, item in self._known.items() if item.is_running()}
        waiting = list(self._known.values())
        while waiting:
            for child in _children(waiting.pop()):
                if child.pid not in self._known:
                    self._known[child.pid] = child
                    waiting.append(child)
        resident = sum(map(_resident, self._known.values()))
        if resident > self._most:  # what processes share is in there for each of them
            self._most = resident
            little = resident <= _LITTLE
            taken = resident if little else sum(map(_memory, self._known.values()))
            self.peak = max(self.peak, taken)

    def end(self) -> None:
        """End what is left of it."""
        self.look()
        for process in self._known.values():
            with contextlib.suppress(psutil.Error):  # its id and its start are compared
                process.send_signal(signal.SIGKILL)


def _children(process: psutil.Process) -> list[psutil.Process]:
    """Return what a process has started and not outlived, of all of its threads.

    Linux tells that for a process; elsewhere all processes are asked for their parents, which is
    dear where there are many.
    """
    result = []
    with contextlib.suppress(psutil.Error, OSError):
        if not _LINUX_TELLS:
            return list(process.children())
        for path in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for pid in path.read_text(encoding="ascii").split():
                with contextlib.suppress(psutil.Error):  # it has just ended
                    result.append(psutil.Process(int(pid)))
    return result


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _memory(process: psutil.Process) -> int:
    """Return what a process has in memory, and its part of what it shares, where that is told."""
    try:
        result = process.memory_full_info()
    except (psutil.Error, OSError):
        return _resident(process)
    return int(getattr(result, "pss", 0)) or int(result.rss)


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read(_OUTPUT).decode("utf-8", "surrogateescape")
    return text
