"""The consoles that text for people goes through: nothing in it can steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mfwb.safe_text import printable

__all__ = ["PrintableConsole", "console_for", "printed"]

_FILE_WIDTH = 100


class PrintableConsole(Console):
    """A console that escapes whatever is not printable in what it is given, however it came there.

    What rich itself adds, colours and cursor moves, is no text and stays. Markup and emoji codes
    are off: what stands in brackets in a name is part of the name.
    """

    def __init__(self, file: TextIO, *, width: int | None = None) -> None:
        super().__init__(file=file, width=width, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of something to print; rich asks here for each part of it, too."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control or text == "\n" or text.isprintable():
                yield segment
            else:
                yield Segment(printable(text), style)


def console_for(stream: TextIO) -> Console:
    """Return a console as wide as the terminal, or of a fixed width if it is none."""
    return PrintableConsole(stream, width=None if stream.isatty() else _FILE_WIDTH)


def printed(captured: str) -> str:
    """Return what a console captured, without the spaces that end its lines."""
    # Not splitlines: it breaks at letters that are no line break for a terminal.
    lines = captured.removesuffix("\n").split("\n")
    return "".join(f"{line.rstrip(' ')}\n" for line in lines) if captured else ""
