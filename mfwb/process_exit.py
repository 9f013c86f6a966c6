"""The end of this process at once, whatever its threads are doing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mfwb.files.tempdirs import remove_all

__all__ = ["exit_as_if_killed", "exit_process"]


def exit_process(code: int) -> None:
    """End this process and its child processes, and leave no temporary files.

    The children are stopped first, so that none writes a file that has just been removed. They are
    killed last, because a thread of this process would start wandb-core again if it died.
    """
    children: list[int] = []
    try:
        children = _descendants("self")
        _send(children, signal.SIGSTOP)
        remove_all()
    finally:
        _send(children, signal.SIGKILL)  # stopped processes would stay for ever
        os._exit(code)


def exit_as_if_killed(code: int) -> None:
    """End this process and its child processes, and remove nothing: no thread misses a file.

    For a process whose temporary files are in the folder of the one that started it.
    """
    _send(_descendants("self"), signal.SIGKILL)
    os._exit(code)


def _send(processes: Iterable[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(OSError):  # it has ended
            os.kill(process, number)


def _descendants(process: str) -> list[int]:
    """Return the ids of a process's children, their children, and so on; without /proc: none.

    Those end by themselves, a moment after this process.
    """
    ids: list[int] = []
    for path in Path("/proc", process, "task").glob("*/children"):
        with suppress(OSError):  # of a thread that has just ended
            for child in path.read_text(encoding="ascii").split():
                ids += [int(child), *_descendants(child)]
    return ids
