"""DataFrames become parquet in another process, which this one starts and asks.

It works while this process goes on; the memory that frames took is given back when it ends; and a
pickle that crashes pandas takes nothing else down.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mfwb.payload import converting
from mfwb.payload.converting import Answer

__all__ = ["Converter", "UnconvertibleError"]


class UnconvertibleError(Exception):
    """A pickle that is damaged, that refers to what is not loaded, or that parquet can't hold."""


class Converter:
    """A process that converts; safe to use from several threads."""

    def __init__(self) -> None:
        self._turn = Lock()  # who has it may ask
        self._guard = Lock()  # who has it may start or end the process
        self._child: _Child | None = None
        self._closed = False

    def start(self) -> None:
        """Start the process if there is none, so that it has imported pandas when it is needed."""
        with suppress(OSError):  # who needs it tries again
            self._living()

    def convert(self, form: str, source: Path, target: Path) -> None:
        """Convert a pickle; the arguments are those of `converting.answer`.

        Raises:
            UnconvertibleError: it can't be converted. Something may be left at the target.
            MemoryError: there is not enough of it.
            OSError: the disk is full.
        """
        answer = self._answer(form, source, target)
        outcome = answer["outcome"]
        if outcome == converting.NO_MEMORY:
            raise MemoryError
        if outcome == converting.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if outcome != converting.DONE:
            raise UnconvertibleError(answer["reason"])

    def close(self) -> None:
        """End the process, whatever it is doing; nothing is converted any more."""
        # It takes no turn: who breaks off a long conversion does not want to wait for its end.
        with self._guard:
            self._closed = True
            if self._child is not None:
                self._child.end()

    def _answer(self, form: str, source: Path, target: Path) -> Answer:
        with self._turn:
            try:
                child = self._living()
            except OSError:  # the system allows no more processes, or Python is not where it was
                return converting.answer(form, source, target)
            return child.ask({"form": form, "source": str(source), "target": str(target)})

    def _living(self) -> _Child:
        """Return the process, a new one if need be; OSError if it can't be started."""
        with self._guard:
            if self._closed:
                raise UnconvertibleError("the conversion was broken off")
            if self._child is None or not self._child.lives():
                self._child = _Child()
            return self._child


class _Child:
    """A process that runs `converting.main`."""

    def __init__(self) -> None:
        # It finds modules where this process does. Python itself would look for them in the
        # current folder first, and there may be anybody's `pandas.py`.
        path = [one for one in sys.path if isinstance(one, str)]
        program = (
            f"import sys; sys.path[:] = {path!a}\nfrom {converting.__name__} import main; main()"
        )
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it is from outside
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, request: dict[str, str]) -> Answer:
        """Return the answer; if there is none, the request is what ended the process."""
        try:
            return self._exchange(json.dumps(request).encode() + b"\n")
        except BaseException:
            self.end()  # who asks next must not get the answer to this
            raise

    def lives(self) -> bool:
        """Return whether it can be asked; what is left of it is cleaned up if not."""
        if self._process.poll() is None:
            return True
        self.end()
        return False

    def end(self) -> None:
        """Kill it, unless it has ended, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # a request that it has not read
                    pipe.close()

    def _exchange(self, line: bytes) -> Answer:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:  # they are pipes, which the types can't tell
            raise AssertionError
        try:
            requests.write(line)
            requests.flush()
            answered = answers.readline()
        except (OSError, ValueError):  # it ended before, or was ended in the meantime
            answered = b""
        if not answered.endswith(b"\n"):
            raise UnconvertibleError(f"the process that converts it ended ({self._process.wait()})")
        found: Answer = json.loads(answered)
        return found
