"""One program, run to its end: how long it took, and what it needed."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

__all__ = ["DiskUse", "Measured", "disk_use", "measure"]

_PAUSE = 0.2  # seconds between two looks at the memory
_KIB = 1024
_BLOCK = 512  # bytes; what st_blocks counts, whatever the file system


@dataclass(frozen=True, slots=True)
class Measured:
    """A program that ended."""

    seconds: float
    cpu: float  # seconds of all cores, of it and the children it waited for
    main_peak: int  # bytes; of the process itself, as the kernel noted it
    tree_peak: int  # bytes; of it and its children at one moment, shared pages counted twice
    main_cpu: float  # seconds; of the process itself, as last seen
    core_cpu: float  # seconds; of its wandb-core, as last seen
    exit_code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What a folder takes."""

    allocated: int  # bytes; whole blocks, folders included, as `du` counts
    apparent: int  # bytes; the lengths of its files


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    sample: bool = True,
    out_file: Path | None = None,
) -> Measured:
    """Run a program and measure it.

    Args:
        command: the program and its arguments.
        cwd: its current folder.
        environment: all of its environment.
        sample: whether to look at its children's memory; a look takes a moment of a core.
        out_file: gets what it prints, which is then not in the result: this process stays small.
    """
    output = out_file.open("w+b") if out_file else tempfile.TemporaryFile()  # noqa: SIM115 - below
    with output as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        watch = _Watch(process.pid)
        if sample:
            watch.start()
        # The kernel's note starts at what this process has when it starts the other one, so this
        # one stays small: no pandas, no SDK.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        main_peak = usage.ru_maxrss * _KIB
        return Measured(
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            main_peak=main_peak,
            tree_peak=max(main_peak, watch.peak),
            main_cpu=watch.main_cpu,
            core_cpu=watch.core_cpu,
            exit_code=process.returncode,
            out="" if out_file else _text(out),
            err=_text(err),
        )


def disk_use(folder: Path) -> DiskUse:
    """Return what a folder takes, each file once however many names it has."""
    paths = [folder, *folder.rglob("*")]
    stats = {(stat.st_dev, stat.st_ino): stat for stat in (path.lstat() for path in paths)}
    return DiskUse(
        allocated=sum(stat.st_blocks * _BLOCK for stat in stats.values()),
        apparent=sum(path.lstat().st_size for path in paths if path.is_file()),
    )


class _Watch:
    """Looks at the memory and the processor time of a process and its children, now and then."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self.main_cpu = 0.0
        self._core_cpu: dict[int, float] = {}
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look_on(self) -> None:
        with suppress(psutil.Error):
            main = psutil.Process(self._pid)
            while not self._over.wait(_PAUSE):
                children = main.children(recursive=True)
                self.peak = max(self.peak, _resident([main, *children]))
                self.main_cpu = _cpu(main)
                for child in children:
                    with suppress(psutil.Error):
                        if child.name() == "wandb-core":
                            self._core_cpu[child.pid] = _cpu(child)

    @property
    def core_cpu(self) -> float:
        """The seconds of all its wandb-cores."""
        return sum(self._core_cpu.values())


def _resident(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
