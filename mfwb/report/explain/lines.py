"""Lines with a label in one column and content in another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mfwb.report.fit import Wrapped

__all__ = ["Line", "columns", "print_lines"]

_GAP = 2


class Line(NamedTuple):
    """A label and its content; a line without a label belongs to the line above."""

    label: str
    content: RenderableType


def print_lines(lines: Iterable[Line], console: Console, *, width: int) -> None:
    """Print lines with all labels in a column; a label equal to the one above is not repeated.

    Args:
        lines: the lines to print.
        console: the console to print to.
        width: number of columns that may be used.
    """
    lines = list(lines)
    labels = max((len(line.label) for line in lines), default=0)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=labels, style="dim", no_wrap=True)
    grid.add_column(max_width=width - labels - _GAP)
    above = ""
    for label, content in lines:
        shown = Wrapped(content) if isinstance(content, Text) else content
        grid.add_row(Text("" if label == above else label), shown)
        above = label or above
    console.print(grid, width=width)


def columns(rows: Iterable[Sequence[Text]]) -> Table:
    """Return cells in columns; the last column takes the rest of the width."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    rows = list(rows)
    for _ in range(max(map(len, rows), default=0)):
        table.add_column()
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _cell(text: Text) -> RenderableType:
    return text if text.justify == "right" else Wrapped(text)
