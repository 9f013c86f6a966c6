"""The steps of a flow run, a line each: the artifacts that its W&B runs used and made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome
from mfwb.report.console import is_limited
from mfwb.report.fit import fit_names
from mfwb.report.format import OVERVIEW, count, planned_size
from mfwb.report.links import linked
from mfwb.report.result.rows import Made, Row, rows_of
from mfwb.safe_text import one_line

__all__ = ["print_steps"]

_INDENT = 2
_GAP = 2
_TIMES = "\N{MULTIPLICATION SIGN}"

_NARROWEST = 14
"""If a column would be narrower than this, a step gets a line for each column instead."""

_FILE_WIDTH = 100
"""Columns stand below each other in a file if they are not wider; else each line for itself."""


def print_steps(flow_run: FlowRunOutcome, console: Console) -> None:
    """Print a line for each step; in the narrowest terminals, up to three lines."""
    lines = [_line(row, console) for row in rows_of(flow_run)]
    width = (console.width if is_limited(console) else _FILE_WIDTH) - _INDENT
    columns = [column for column in _COLUMNS if any(line.cells[column] for line in lines)]
    detail = next((d for d in _DETAILS if _total(_widths(lines, columns, d)) <= width), None)
    if detail is not None:
        _print_columns(lines, columns, _widths(lines, columns, detail), detail, console)
    elif not is_limited(console):
        _print_labelled(lines, columns, console)
    else:
        natural = _widths(lines, columns, 0)
        widths = _shared(natural, width)
        enough = [min(whole, _NARROWEST) for whole in natural]
        if any(width < least for width, least in zip(widths, enough, strict=True)):
            _print_stacked(lines, columns, console)
        else:
            _print_columns(lines, columns, widths, 0, console)


# --- cells ----------------------------------------------------------------------------------

_COLUMNS = ("step", "used", "made")

_DETAILS = (2, 1, 0)
"""How much is shown of a made artifact: name, version and size; name and version; the name."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A list of names, each with more or less detail, and notes that are always shown."""

    names: Sequence[Sequence[Text]] = ()  # by the number of details
    notes: Sequence[Text] = ()
    separator: str = ", "

    def __bool__(self) -> bool:
        return bool(self.names or self.notes)

    def text(self, width: int, detail: int, console: Console) -> Text:
        names = [name[detail] for name in self.names]
        return fit_names(names, width, console, notes=self.notes, separator=self.separator)


@dataclass(frozen=True, slots=True)
class _Line:
    cells: dict[str, _Cell]
    console: Console

    def text(self, column: str, detail: int, width: int | None = None) -> Text:
        limit = self.console.width if width is None else width
        return self.cells[column].text(limit, detail, self.console)

    def full_width(self, column: str, detail: int) -> int:
        return self.cells[column].text(10**9, detail, self.console).cell_len


def _line(row: Row, console: Console) -> _Line:
    step = linked(Text(one_line(row.step), style="bold"), row.url, console)
    marks = [_with_count(Text(), row.count)] if row.count > 1 else []
    if row.failed:
        failed = "failed" if row.count == 1 else f"{row.failed:,} failed"
        marks.append(Text(f"({failed})", style="red"))
    used = [_with_count(Text(one_line(used.name)), used.count, row.count) for used in row.used]
    return _Line(
        {
            "step": _Cell([[step] * len(_DETAILS)], marks, separator=" "),
            "used": _Cell([[name] * len(_DETAILS) for name in used]),
            "made": _Cell(list(_made(row)), list(_notes(row))),
        },
        console,
    )


def _made(row: Row) -> Iterator[list[Text]]:
    if row.step == OVERVIEW and row.made:  # the lines above have the same artifacts
        final = Text(count(len(row.made), "final artifact"), style="dim")
        yield [final] * len(_DETAILS)
        return
    for made in row.made:
        name = _with_count(Text(one_line(made.name)), made.count, row.count)
        version = name.copy()
        if made.version:
            version.append(f":{one_line(made.version)}", style="dim" if made.same else "cyan")
        yield [name, version, Text.assemble(version, (f" {_size(made)}", "dim"))]


def _size(made: Made) -> str:
    """Return the size of an artifact; before a conversion, only that of its source is known."""
    return planned_size(made.size, is_estimate=made.size_is_estimate)


def _notes(row: Row) -> Iterator[Text]:
    if row.values:
        yield Text(count(row.values, "value"), style="dim")
    if row.losses:
        yield Text(f"{row.losses:,} lost", style="yellow")


def _with_count(text: Text, number: int, usual: int = 1) -> Text:
    """Append the number, unless it is one, or one for each W&B run of the row."""
    if number in (1, usual):
        return text
    return text.append(f"{' ' if text else ''}{_TIMES} {number:,}", style="dim")


# --- layouts --------------------------------------------------------------------------------


def _widths(lines: Iterable[_Line], columns: Sequence[str], detail: int) -> list[int]:
    lines = list(lines)
    return [
        max(len(column), *(line.full_width(column, detail) for line in lines)) for column in columns
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shared(widths: Sequence[int], width: int) -> list[int]:
    """Return widths that fit together: the widest columns give way first."""
    shared = list(widths)
    limit = max(shared)
    while _total(shared) > width and limit > 1:
        limit -= 1
        shared = [min(natural, limit) for natural in widths]
    return shared


def _print_columns(
    lines: Iterable[_Line],
    columns: Sequence[str],
    widths: Sequence[int],
    detail: int,
    console: Console,
) -> None:
    _print_row([Text(column, style="dim") for column in columns], widths, console)
    for line in lines:
        cells = zip(columns, widths, strict=True)
        _print_row([line.text(column, detail, width) for column, width in cells], widths, console)


def _print_row(cells: Sequence[Text], widths: Sequence[int], console: Console) -> None:
    text = Text(" " * _INDENT)
    for cell, width in zip(cells, widths, strict=True):
        text.append_text(cell)
        text.append(" " * (width - cell.cell_len + _GAP))
    text.rstrip()
    console.print(text, soft_wrap=True)


def _print_labelled(lines: Sequence[_Line], columns: Sequence[str], console: Console) -> None:
    """Print each step on a line that has all names, however many they are."""
    width = max(line.full_width("step", 2) for line in lines)
    for line in lines:
        step = line.text("step", 2)
        text = Text.assemble(" " * _INDENT, step, " " * (width - step.cell_len))
        for column in columns[1:]:
            if line.cells[column]:
                text.append_text(Text.assemble(f"  {column} ", line.text(column, 2)))
        console.print(text, soft_wrap=True)


def _print_stacked(lines: Iterable[_Line], columns: Sequence[str], console: Console) -> None:
    for line in lines:
        step = line.text("step", 0, console.width - _INDENT)
        console.print(Text.assemble(" " * _INDENT, step), soft_wrap=True)
        for column in columns[1:]:
            if line.cells[column]:
                label = f"{' ' * 2 * _INDENT}{column} "
                names = line.text(column, 0, console.width - len(label))
                console.print(Text.assemble((label, "dim"), names), soft_wrap=True)
