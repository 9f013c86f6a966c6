"""Loads pickles in a process that may take so much memory and time, and may crash."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["Trials"]

_ROOT = Path(__file__).resolve().parents[3]


class Trials:
    """A process that tries to load pickles; a new one if a pickle ended it."""

    def __init__(self, folder: Path) -> None:
        """Work in a folder."""
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def outcome(self, way: str, data: bytes) -> str:
        """Return what came of a pickle: loaded, lost, refused, no memory, executed, or a crash."""
        if self._process is None:
            self._process = self._started()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        answer = ""
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps([way, base64.b64encode(data).decode()]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if answer:
            result: str = json.loads(answer)
            return result
        return f"crash: {self.close()}"

    def close(self) -> int | None:
        """End the process; return its exit code."""
        if self._process is None:
            return None
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what it has not read
                pipe.close()
        code = self._process.wait()
        self._process = None
        return code

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.hostile_pickles.trial"],
            cwd=self._folder,
            env={"PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
