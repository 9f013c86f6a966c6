"""Runs mfwb and kills it when it is about to touch a file for the n-th time.

    python -m tests.faults.killer 17 sync Flow/123 ...

With 0 it kills nothing, and says on its last line of stderr how often files were touched.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

_CHANGES = frozenset(
    {
        "os.mkdir",
        "os.rename",
        "os.remove",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "shutil.copyfile",
        "shutil.rmtree",
        "sqlite3.connect",
    }
)


class Killer:
    """Counts what changes files."""

    def __init__(self, at: int) -> None:
        self.touched = 0
        self._at = at
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event; Python calls this before it happens."""
        if event not in _CHANGES and not (event == "open" and _is_to_write(arguments)):
            return
        with self._lock:
            self.touched += 1
            if self.touched == self._at and os.getpid() == self._process:
                os.kill(self._process, signal.SIGKILL)


def _is_to_write(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = arguments
    if str(path).endswith(".pyc") or "__pycache__" in str(path):
        return False
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def main() -> None:
    """Run mfwb with the arguments behind the number."""
    killer = Killer(int(sys.argv[1]))
    sys.addaudithook(killer)
    from mfwb.cli import main as mfwb  # noqa: PLC0415 - what it does on import counts, too

    try:
        mfwb(sys.argv[2:])
    finally:
        sys.stderr.write(f"\n{killer.touched}\n")


if __name__ == "__main__":
    main()
