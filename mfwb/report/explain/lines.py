"""Labels in one column, what is said in another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["Line", "columns", "print_lines"]

_GAP = 2


class Line(NamedTuple):
    """A label and what is said under it; without one it belongs to the line above."""

    label: str
    said: RenderableType


def print_lines(lines: Iterable[Line], console: Console, *, width: int) -> None:
    """Print lines with all labels in a column; one like that above is not repeated.

    Args:
        lines: what to print.
        console: where to.
        width: columns that may be used.
    """
    lines = list(lines)
    labels = max((len(line.label) for line in lines), default=0)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=labels, style="dim", no_wrap=True)
    grid.add_column(overflow="fold", max_width=width - labels - _GAP)
    above = ""
    for label, said in lines:
        grid.add_row(Text("" if label == above else label), said)
        above = label or above
    console.print(grid, width=width)


def columns(rows: Iterable[Sequence[Text]]) -> Table:
    """Return cells in columns; the last one takes what there is of the width."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    rows = list(rows)
    for _ in range(max(map(len, rows), default=0)):
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
