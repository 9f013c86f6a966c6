"""A box in a notebook, as a value: a title, numbers, a table, and lines below it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mfwb.safe_text import one_line

__all__ = ["MAX_ROWS", "Box", "Cell", "Row", "Tone", "more_line"]

Tone = Literal["", "good", "bad", "warning", "quiet", "strong"]
MAX_ROWS = 20
_LONGEST = 300  # letters of a cell


@dataclass(frozen=True, slots=True)
class Cell:
    """A text.

    Attributes:
        text: one line.
        tone: its color.
        url: where it leads; None: nowhere.
    """

    text: str
    tone: Tone = ""
    url: str | None = None

    def __post_init__(self) -> None:
        """Make it one printable line."""
        object.__setattr__(self, "text", one_line(self.text, _LONGEST))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        cells: one for each column.
        below: a text below them, over all columns: why it failed, and what to do.
    """

    cells: tuple[Cell, ...]
    below: Cell | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """What is shown of one value.

    Attributes:
        title: what it is.
        facts: numbers, on the line of the title.
        columns: headings of the table.
        rows: of the table.
        notes: lines below it.
    """

    title: str
    facts: tuple[Cell, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = field(default=())
    notes: tuple[Cell, ...] = ()

    @property
    def used(self) -> list[int]:
        """The columns that have a text in some row."""
        return [
            number
            for number in range(len(self.columns))
            if any(row.cells[number].text for row in self.rows)
        ]


def more_line(number: int) -> tuple[Cell, ...]:
    """Return the line on rows that are not shown; none if all are."""
    ellipsis = "\N{HORIZONTAL ELLIPSIS}"
    return (Cell(f"{ellipsis} and {number:,} more", "quiet"),) if number > 0 else ()
