"""Text that fits: it wraps between words, and a name that is too long loses its middle.

A name is never broken: it is whole, or has one ellipsis in its middle, so that its beginning and
its end tell what it is. Where there is no terminal, nothing is wrapped or shortened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from mfwb.safe_text import fit_encoding

__all__ = ["Name", "Wrapped", "fit_name", "fit_names", "for_encoding", "print_wrapped", "wrap_text"]

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_READABLE = 12  # columns that a word needs before it is worth to show it


def fit_name(name: Text, width: int, console: Console) -> Text:
    """Return a name that is at most so many columns wide: whole, or without its middle."""
    name = for_encoding(name, console)
    if name.cell_len <= width:
        return name
    ellipsis = fit_encoding(_ELLIPSIS, console.encoding)
    rest = max(0, width - cell_len(ellipsis))
    plain = name.plain
    head = _prefix_length(plain, (rest + 1) // 2)
    tail = len(plain) - _prefix_length(plain[::-1], rest - cell_len(plain[:head]))
    while tail < len(plain) and not get_character_cell_size(plain[tail]):
        tail += 1  # an accent would be put on the ellipsis
    middle = _restyled(name[head : head + 1], ellipsis[: max(0, width)])
    return Text.assemble(name[:head], middle, name[tail:])


def fit_names(
    names: Sequence[Text],
    width: int,
    console: Console,
    *,
    notes: Sequence[Text] = (),
    separator: str = ", ",
) -> Text:
    """Return `a, b`, or `a +3` if the others have no room; the first one may lose its middle.

    Args:
        names: the names.
        width: how many columns there are.
        console: where it will be shown.
        notes: what follows the names; the first ones give way to a name that would be too short.
        separator: stands between all of these.
    """
    names = [for_encoding(name, console) for name in names]
    gap = len(separator)
    longest = max((name.cell_len for name in names), default=0)
    needed = min(longest + len(_more(len(names) - 1)), _READABLE)
    while notes and names and width - sum(note.cell_len + gap for note in notes) < needed:
        notes = notes[1:]
    room = width - sum(note.cell_len + gap for note in notes)
    listed = Text(separator).join([*_fitting(names, room, gap, console), *notes])
    return fit_name(listed, width, console)


def _fitting(names: Sequence[Text], width: int, gap: int, console: Console) -> Sequence[Text]:
    """Return the first names, the last of them with the number of those that have no room."""
    sizes = [name.cell_len for name in names]
    if sum(sizes) + gap * (len(sizes) - 1) <= width:
        return names
    shown = 0
    used = 0
    for size in sizes:
        if used + size + len(_more(len(names) - shown - 1)) > width:
            break
        shown, used = shown + 1, used + size + gap
    rest = _more(len(names) - max(shown, 1))
    kept = list(names[:shown]) or [fit_name(names[0], max(1, width - len(rest)), console)]
    return [*kept[:-1], Text.assemble(kept[-1], (rest, "dim"))]


def _more(number: int) -> str:
    return f" +{number:,}" if number else ""


def for_encoding(text: Text, console: Console) -> Text:
    """Return the text with the letters that the console's stream can encode, and their width."""
    plain = text.plain
    if plain.isascii() or fit_encoding(plain, console.encoding) == plain:
        return text
    return Text.assemble(*(_encoded(piece, console.encoding) for piece in _pieces(text)))


def _pieces(text: Text) -> Iterable[Text]:
    borders = {end for span in text.spans for end in (span.start, span.end)}
    return text.divide(sorted(border for border in borders if 0 < border < len(text)))


def _encoded(piece: Text, encoding: str) -> Text:
    return _restyled(piece, fit_encoding(piece.plain, encoding))


def _restyled(piece: Text, plain: str) -> Text:
    """Return another text in the styles that all of a piece has."""
    text = Text(plain, style=piece.style)
    for span in piece.spans:
        text.stylize(span.style, 0, len(plain))
    return text


def wrap_text(
    text: Text, width: int, console: Console, *, whole: bool = False, gap: str = " "
) -> Iterator[Text]:
    """Yield the lines of a text that wraps between words.

    Args:
        text: the text; it may have line breaks.
        width: how many columns there are.
        console: where it will be shown.
        whole: let words that are too long stand out, rather than shorten them.
        gap: where a line may end: ", " keeps the words between commas together, if there is room.
    """
    for paragraph in for_encoding(text, console).split("\n", allow_blank=True):
        if paragraph.cell_len <= width:
            yield paragraph
        else:
            yield from _wrap(_unbroken(paragraph, width, gap), width, console, whole=whole)


def _unbroken(paragraph: Text, width: int, gap: str) -> Sequence[Text]:
    """Return what stands together on a line; all but the last word with their commas."""
    parts: list[Text] = list(paragraph.split(gap))
    mark = gap.strip()
    if not mark:
        return parts
    marked = [*(Text.assemble(part, mark) for part in parts[:-1]), parts[-1]]
    if any(part.cell_len > width for part in marked):
        return _unbroken(paragraph, width, " ")
    return marked


def _wrap(unbroken: Iterable[Text], width: int, console: Console, *, whole: bool) -> Iterator[Text]:
    line = Text()
    for word in unbroken:
        for number, part in enumerate(_parts(word, width)):
            shown = part if whole else fit_name(part, width, console)
            gap = " " if line and not number else ""
            if line and line.cell_len + len(gap) + shown.cell_len > width:
                yield line
                line = shown
            else:
                line = Text.assemble(line, gap, shown)
    yield line


def _parts(word: Text, width: int) -> Sequence[Text]:
    """Return a word, or, of a path or URL that is too long, its parts, each with its slash."""
    if word.cell_len <= width or "/" not in word.plain:
        return [word]
    ends = [number + 1 for number, letter in enumerate(word.plain) if letter == "/"]
    return [part for part in word.divide(ends) if part]


def print_wrapped(  # noqa: PLR0913 - the layout of a paragraph
    text: Text,
    console: Console,
    *,
    indent: int = 0,
    hanging: int = 0,
    whole: bool = False,
    gap: str = " ",
) -> None:
    """Print a text as `wrap_text` wraps it.

    Args:
        text: the text.
        console: the console to print to.
        indent: columns to leave free on the left.
        hanging: more of them, from the second line on.
        whole: as of `wrap_text`.
        gap: as of `wrap_text`.
    """
    first = True
    width = console.width - indent - hanging
    for line in wrap_text(text, max(_READABLE, width), console, whole=whole, gap=gap):
        margin = " " * (indent if first else indent + hanging)
        console.print(Text.assemble(margin, line), soft_wrap=True)
        first = False


class Wrapped:
    """A text in a cell of a table, as `wrap_text` wraps it."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield its lines."""
        for line in wrap_text(self._text, options.max_width, console):
            yield _unwrapped(line)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the width of its longest line; a few columns suffice."""
        lines = for_encoding(self._text, console).split("\n", allow_blank=True)
        return _measured(max((line.cell_len for line in lines), default=0), options)


class Name:
    """A name in a cell of a table, as `fit_name` shortens it."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the name."""
        yield _unwrapped(fit_name(self._text, options.max_width, console))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return its width; a few columns suffice."""
        return _measured(for_encoding(self._text, console).cell_len, options)


def _unwrapped(line: Text) -> Text:
    copy = line.copy()
    copy.no_wrap, copy.overflow = True, "ignore"
    return copy


def _measured(width: int, options: ConsoleOptions) -> Measurement:
    width = max(1, width)  # an empty line is a line, too
    return Measurement(min(width, _READABLE), width).clamp(0, options.max_width)


def _prefix_length(text: str, width: int) -> int:
    """Return the number of letters of the longest beginning that is so many columns wide."""
    used = 0
    for number, letter in enumerate(text):
        used += get_character_cell_size(letter)
        if used > width:
            return number
    return len(text)
