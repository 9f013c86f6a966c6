"""The blocks of a page in Markdown, and what its author says about each.

A block is fenced, or indented by four spaces. What is said about it stands in comments directly
above it, which no reader sees:

    <!-- block: not run, needs a cluster -->
    <!-- block: output of mfwb plan WineFlow/latest -->
    <!-- block: before, mfwb sync WineFlow/latest --project wines -->
    <!-- block: exit code 6 -->
    <!-- block: first 12 lines -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = [
    "ROOT",
    "Block",
    "Command",
    "in_order_of_reading",
    "inline_commands",
    "pages",
    "read_blocks",
]

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^( *)(```+|~~~+)\s*([\w{}-]*)[^\n]*$")
_NOTE = re.compile(r"^\s*<!-- block: (.*?) -->$")
_ITEM = re.compile(r"^\s*([-*]|\d+\.) ")
_INLINE = re.compile(r"(?<![`\w])`(mfwb [^`\n]+)`")


@dataclass(frozen=True)
class Command:
    """A command line of a console, and the lines that the page prints below it."""

    line: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A block of a page; `first` and `last` are the indexes of its own lines."""

    page: Path
    language: str
    first: int
    last: int
    indent: str
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """Where it stands, as editors understand it."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.first}"

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(f"{line}\n" for line in self.lines)

    def note(self, start: str) -> str | None:
        """Return the rest of the note that begins so; None if there is none."""
        return next(iter(self.all_notes(start)), None)

    def all_notes(self, start: str) -> list[str]:
        """Return the rest of each note that begins so."""
        return [
            note.removeprefix(start).strip(" ,") for note in self.notes if note.startswith(start)
        ]

    @property
    def commands(self) -> list[Command]:
        """The command lines of a console, each with its output."""
        result: list[Command] = []
        for line in self.lines:
            if line.startswith("$ "):
                result.append(Command(line.removeprefix("$ "), ()))
            elif result:
                result[-1] = replace(result[-1], output=(*result[-1].output, line))
        return [replace(one, output=_stripped(one.output)) for one in result]

    @property
    def command_lines(self) -> list[str]:
        """Every line of a command in it, whether it is a console, a script or a timetable."""
        if self.language == "console":
            return [one.line for one in self.commands]
        shell = self.language in {"", "sh", "bash", "crontab", "ini", "yaml", "text"}
        return [line for line in self.lines if shell and re.search(r"(^|[ /=])mfwb ", line)]


def _stripped(lines: tuple[str, ...]) -> tuple[str, ...]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def pages() -> list[Path]:
    """Return README.md and the pages below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def in_order_of_reading(selected: Sequence[Path]) -> list[Path]:
    """Return pages in the order in which one machine can do what they show.

    The first ones begin with a machine that knows nothing; the last ones damage something, or add
    another flow.
    """
    first = ["quickstart.md", "day-to-day.md"]
    last = ["verify.md", "tutorial.md"]

    def position(page: Path) -> int:
        if page.name in first:
            return first.index(page.name) - len(first)
        return last.index(page.name) + 1 if page.name in last else 0

    return sorted(selected, key=position)


def read_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return list(_blocks(page, lines))


def _blocks(page: Path, lines: list[str]) -> Iterator[Block]:
    position = 0
    in_list = False
    while position < len(lines):
        line = lines[position]
        fence = _FENCE.match(line)
        if fence:
            indent, mark, language = fence.groups()
            end = position + 1
            while end < len(lines) and lines[end].strip() != mark:
                end += 1
            own = tuple(text.removeprefix(indent) for text in lines[position + 1 : end])
            if not language.startswith("{"):
                yield Block(page, language, position + 1, end, indent, own, _notes(lines, position))
            position = end + 1
        elif line.startswith("    ") and not in_list and _is_blank(lines, position - 1):
            end = position
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            while not lines[end - 1].strip():
                end -= 1
            own = tuple(text.removeprefix("    ") for text in lines[position:end])
            language = "console" if own[0].startswith("$ ") else ""
            yield Block(page, language, position, end, "    ", own, _notes(lines, position))
            position = end
        else:
            if line.strip():
                in_list = bool(_ITEM.match(line)) or (in_list and line.startswith(" "))
            position += 1


def _is_blank(lines: list[str], position: int) -> bool:
    return position < 0 or not lines[position].strip() or bool(_NOTE.match(lines[position]))


def _notes(lines: list[str], position: int) -> tuple[str, ...]:
    found: list[str] = []
    position -= 1
    while position >= 0 and (_NOTE.match(lines[position]) or not lines[position].strip()):
        note = _NOTE.match(lines[position])
        if note:
            found.append(note[1])
        position -= 1
    return tuple(reversed(found))


def inline_commands(page: Path) -> Iterator[tuple[int, str]]:
    """Yield each command line of mfwb in the text of a page, with the number of its line."""
    inside = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence:
            inside = "" if inside and fence[2] == inside else inside or fence[2]
        elif not inside and not line.startswith("    "):
            for command in _INLINE.findall(line):
                yield number, command
