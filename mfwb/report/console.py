"""Consoles for text that people read: no text can control the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mfwb.safe_text import printable

__all__ = ["PrintableConsole", "console_for", "is_limited", "printed"]

_UNLIMITED = 1_000_000
"""Columns where there is no terminal: no line is wrapped or shortened, so that grep finds all."""


class PrintableConsole(Console):
    """A console that escapes everything in a text that is not printable, whatever its source.

    Colours and cursor moves, which rich itself adds, are not text and stay. Markup and emoji codes
    are off: brackets in a name are part of the name.
    """

    def __init__(self, file: TextIO, *, width: int | None = None) -> None:
        super().__init__(file=file, width=width, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable; rich calls this for each part of it, too."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control or text == "\n" or text.isprintable():
                yield segment
            else:
                yield Segment(printable(text), style)


def console_for(stream: TextIO) -> Console:
    """Return a console as wide as the terminal; without limit if there is none."""
    return PrintableConsole(stream, width=None if stream.isatty() else _UNLIMITED)


def is_limited(console: Console) -> bool:
    """Whether lines have to fit the width of a terminal."""
    return console.width < _UNLIMITED


def printed(captured: str) -> str:
    """Return the text that a console captured, without spaces at the end of its lines."""
    # Not splitlines: it also breaks at letters that are not line breaks for a terminal.
    lines = captured.removesuffix("\n").split("\n")
    return "".join(f"{line.rstrip(' ')}\n" for line in lines) if captured else ""
