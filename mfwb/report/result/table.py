"""The table of a flow run: the artifacts that each of its W&B runs used and made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from mfwb.report.format import OVERVIEW, count, planned_size
from mfwb.report.result.rows import Made, Row, Used
from mfwb.safe_text import one_line

__all__ = ["table_of"]

_GAP = 2
_TIMES = "\N{MULTIPLICATION SIGN}"

_LONG = 10
"""If a W&B run has more artifacts, its last line counts the rest."""


def table_of(rows: Sequence[Row], width: int) -> Table:
    """Return the rows as a table without empty columns.

    So there is a column for the state only if a W&B run failed. If the table would be too wide,
    less important columns are removed before names are broken.
    """
    lines = [line for row in rows for line in _lines(row)]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    columns = _fitting(
        [column for column in _COLUMNS if any(column.key in line for line in lines)], lines, width
    )
    for column in columns:
        table.add_column(
            column.heading,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.right,
        )
    for line in lines:
        table.add_row(*(line.get(column.key, Text()) for column in columns))
    return table


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    heading: str
    right: bool = False


_COLUMNS = (
    _Column("step", "step"),
    _Column("state", "state"),
    _Column("used", "used"),
    _Column("producer", "from"),
    _Column("made", "made"),
    _Column("type", "type"),
    _Column("size", "size", right=True),
    _Column("version", "version"),
    _Column("values", "values", right=True),
    _Column("losses", "losses", right=True),
)

_DISPENSABLE = ("type", "values")  # in this order

_Line = dict[str, Text]  # cell by column


def _fitting(columns: Sequence[_Column], lines: Sequence[_Line], width: int) -> list[_Column]:
    kept = list(columns)
    for key in _DISPENSABLE:
        if sum(_width(column, lines) + _GAP for column in kept) - _GAP <= width:
            break
        kept = [column for column in kept if column.key != key]
    return kept


def _width(column: _Column, lines: Sequence[_Line]) -> int:
    cells = [part for line in lines if column.key in line for part in line[column.key].split("\n")]
    return max(cell_len(column.heading), *(cell.cell_len for cell in cells))


def _lines(row: Row) -> Iterable[_Line]:
    """Yield the lines of a row: the W&B run once, and each artifact on its own line beside it."""
    used = _shortened([_used(used, row.count) for used in row.used], "used")
    if row.step == OVERVIEW and row.made:  # the rows above have the same versions
        made = [{"made": Text(count(len(row.made), "final artifact"), style="dim")}]
    else:
        made = _shortened([_made(made, row.count) for made in row.made], "made")
    head = _head(row)
    nothing: _Line = {}
    for left, right in zip_longest(used or [nothing], made, fillvalue=nothing):
        yield {**head, **left, **right}
        head = nothing


def _shortened(lines: list[_Line], column: str) -> list[_Line]:
    if len(lines) <= _LONG:
        return lines
    rest = len(lines) - _LONG + 1
    return [*lines[: _LONG - 1], {column: Text(f"and {rest:,} more", style="dim")}]


def _head(row: Row) -> _Line:
    cells = {"step": _with_count(Text(one_line(row.step), style="bold"), row.count)}
    if row.failed:
        cells["state"] = Text("failed" if row.count == 1 else f"{row.failed:,} failed", style="red")
    if row.values:
        cells["values"] = Text(f"{row.values:,}")
    if row.losses:
        cells["losses"] = Text(f"{row.losses:,}", style="yellow")
    return cells


def _used(used: Used, runs: int) -> _Line:
    return {
        "used": _with_count(Text(one_line(used.name)), used.count, runs),
        "producer": Text(one_line(used.producer), style="dim"),
    }


def _made(made: Made, runs: int) -> _Line:
    cells = {
        "made": _with_count(Text(one_line(made.name)), made.count, runs),
        "type": Text(made.type, style="dim"),
        "size": Text(_size(made)),
    }
    if made.version:
        cells["version"] = Text(made.version, style="dim" if "same" in made.version else "cyan")
    return cells


def _size(made: Made) -> str:
    if not made.size and made.type == "code":
        return "?"
    return planned_size(made.size, is_estimate=made.size_is_estimate)


def _with_count(text: Text, count: int, usual: int = 1) -> Text:
    """Append the count, unless it is one, or one for each W&B run of the row."""
    return text if count in (1, usual) else text.append(f" {_TIMES} {count:,}", style="dim")
