"""Summary of a CI job in Markdown, as GitHub shows it for a step: a table in, a text out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mfwb.safe_text import one_line

__all__ = ["Cell", "StepSummary", "to_markdown"]

_MAX_ROWS = 200
_MAX_REMARKS = 50
"""If there are more, the rest is only counted: GitHub takes 1 MiB for a step."""

_LONGEST = 300  # letters of a cell or a remark

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@+,;=%-]{1,1000}", re.ASCII)
"""The URLs that become links: none of their letters ends a link, or a cell."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table: a text, and where it leads to."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class StepSummary:
    """What the summary shows.

    Attributes:
        title: the heading.
        sentences: lines below it.
        headings: of the columns.
        rows: as many cells each as there are headings.
        remarks: what should be looked at, a line each.
    """

    title: str
    sentences: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    remarks: tuple[str, ...] = ()


def to_markdown(summary: StepSummary) -> str:
    """Return the summary as Markdown that ends with an empty line; texts in it have no effect."""
    lines = [f"### {_inert(summary.title)}", ""]
    for sentence in summary.sentences:
        lines += [_inert(sentence), ""]
    if summary.rows:
        lines += [*_table(summary.headings, summary.rows), ""]
    if summary.remarks:
        lines += [f"- {_inert(remark)}" for remark in summary.remarks[:_MAX_REMARKS]]
        lines += [*_rest(len(summary.remarks) - _MAX_REMARKS, "- "), ""]
    return "".join(f"{line}\n" for line in lines)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    yield _row([_inert(heading) for heading in headings])
    yield _row(["---"] * len(headings))
    for row in rows[:_MAX_ROWS]:
        yield _row([_cell(cell) for cell in row])
    if len(rows) > _MAX_ROWS:
        yield ""
        yield from _rest(len(rows) - _MAX_ROWS, "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rest(number: int, before: str) -> Iterator[str]:
    if number > 0:
        yield f"{before}and {number:,} more"


def _cell(cell: Cell) -> str:
    text = _inert(cell.text)
    return f"[{text}](<{cell.url}>)" if text and _PLAIN_URL.fullmatch(cell.url) else text


def _inert(text: str) -> str:
    """Return one line in which nothing is Markdown, HTML, a link or a boundary of a cell.

    All ASCII signs become numbers of characters, which no reader of Markdown takes for signs.
    """
    line = one_line(text, _LONGEST)
    return "".join(letter if letter not in _SIGNS else f"&#{ord(letter)};" for letter in line)


_SIGNS = frozenset(r"""!"#$%&'()*+-.:;<=>?@[\]^_`{|}~""")  # all of ASCII but "/" and ","
