"""A terminal in memory."""

from __future__ import annotations

import io
import re


class Terminal(io.StringIO):
    """A stream that says it is a terminal, 80 columns wide as its size can't be asked."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def screen(text: str) -> list[str]:
    """Return the lines that a terminal shows after a text, as far as mfwb moves its cursor."""
    lines, row = [""], 0
    for part in re.split(r"(\n|\r|\x1b\[J|\x1b\[\d+A)", text):
        if part == "\n":
            row += 1
            lines[row:] = lines[row:] or [""]
        elif part == "\r":
            lines[row] = lines[row]  # what follows is an erasure, or a move
        elif part == "\x1b[J":
            lines[row:] = [""]
        elif part.startswith("\x1b["):
            row -= int(part[2:-1])
        else:
            assert "\x1b" not in part
            lines[row] += part
    return lines
