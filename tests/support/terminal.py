"""A terminal for a command of mfwb: what is written on it, and what it shows in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from typing_extensions import Self

from tests.support.sandbox import Sandbox
from tests.support.warm import Process

__all__ = ["OnTerminal", "screen"]

_PATIENCE = 120.0  # seconds


class OnTerminal:
    """A command whose stdout and stderr are a terminal."""

    def __init__(
        self, sandbox: Sandbox, *arguments: str, columns: int = 100, **environment: str
    ) -> None:
        """Start it.

        Args:
            sandbox: where it runs.
            *arguments: of mfwb.
            columns: the width of the terminal.
            **environment: variables, beside those of the sandbox; TERM is that of an xterm.
        """
        self._ours, theirs = pty.openpty()
        self._bytes = b""
        self.resize(columns)
        variables = {**sandbox.environment, "TERM": "xterm-256color", **environment}
        self.process = Process(
            arguments, folder=sandbox.root, environment=variables, terminal=theirs
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.process.close()
        self._reader.join(_PATIENCE)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that was written so far."""
        return self._bytes.decode(errors="replace")

    def resize(self, columns: int) -> None:
        """Give the terminal another width."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match of a pattern in what is written, once it is there."""
        deadline, length = time.monotonic() + _PATIENCE, -1
        while True:
            if len(self._bytes) != length:  # a line that moves becomes a long text
                length = len(self._bytes)
                if match := re.search(pattern, self.text):
                    return match
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.text!r}"
            time.sleep(0.02)

    def end(self) -> int:
        """Wait for the end of the command, and return its exit code."""
        self.process.communicate(_PATIENCE)
        self._reader.join(_PATIENCE)
        assert self.process.returncode is not None
        return self.process.returncode

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._ours, 1 << 16)
            except OSError:  # nobody has the other end any more
                return
            self._bytes += part


def screen(text: str, columns: int = 1_000) -> Sequence[str]:
    """Return the lines that a terminal shows after a text, as far as mfwb moves its cursor.

    Args:
        text: what was written.
        columns: a longer line is wrapped.
    """
    lines, row, column = [""], 0, 0
    text = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\", "", text)  # colours and links
    for part in re.findall(r"\x1b\[J|\x1b\[\d+A|[\s\S]", text):
        if part == "\n" or column >= columns:
            row += 1
            lines[row:] = lines[row:] or [""]
            column = 0
        if part == "\r":
            column = 0
        elif part == "\x1b[J":
            lines[row:] = [lines[row][:column]]
        elif part.startswith("\x1b["):
            row = max(0, row - int(part[2:-1]))
        elif part != "\n":
            assert part != "\x1b", text
            lines[row] = lines[row][:column] + part + lines[row][column + 1 :]
            column += 1
    return lines
