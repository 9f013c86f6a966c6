"""JSON output that is safe to show on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

__all__ = ["document_parts", "for_any_output", "json_text"]


def for_any_output(document: object) -> tuple[str, str]:
    """Return a document as lines of JSON, and the same for an output that takes ASCII only."""
    return (
        f"{json_text(document, ascii_only=False)}\n",
        f"{json_text(document, ascii_only=True)}\n",
    )


def document_parts(
    document: Mapping[str, object],
    name: str,
    items: Iterable[object],
    *,
    ascii_only: bool,
    indented: bool,
) -> Iterator[str]:
    """Yield a document in parts, one of which is a list that may be long.

    Args:
        document: the document, with an empty list.
        name: the key of the list.
        items: what the list has; a text is JSON already, on one line.
        ascii_only: escape all letters beyond ASCII.
        indented: for people; else each item is one line, which takes a fifth of the time.
    """
    dump = partial(json_text, ascii_only=ascii_only)
    write = partial(_indented, dump, 2) if indented else partial(_line, ascii_only=ascii_only)
    yield "{"
    for position, (key, value) in enumerate(document.items()):
        yield f'{"," if position else ""}\n  "{key}": '
        if key == name:
            yield from _items(items, write)
        else:
            yield _indented(dump, 1, value)
    yield "\n}\n"


def _items(items: Iterable[object], dump: Callable[[object], str]) -> Iterator[str]:
    yield "["
    position = -1
    for position, item in enumerate(items):
        yield f"{',' if position else ''}\n    {dump(item)}"
    yield "\n  ]" if position >= 0 else "]"


def _line(item: object, *, ascii_only: bool) -> str:
    if isinstance(item, str):
        return _without_unprintable(item, ascii_only=ascii_only)
    return json_text(item, ascii_only=ascii_only, indent=None)


def _indented(dump: Callable[..., str], depth: int, value: object) -> str:
    text = dump(value, indent=2)
    return text.replace("\n", "\n" + "  " * depth)  # JSON has no line breaks within strings


def json_text(document: object, *, ascii_only: bool, indent: int | None = 2) -> str:
    r"""Return a document as JSON; unprintable letters in it are written as `\u....`.

    JSON itself escapes the first 32 letters, but not the letters beyond ASCII that control a
    terminal, that change the direction of text, or that are not Unicode.

    Args:
        document: made of types that JSON has.
        ascii_only: escape all letters beyond ASCII.
        indent: blanks for each level; None: all on one line.
    """
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    return _without_unprintable(text, ascii_only=ascii_only)


def _without_unprintable(text: str, *, ascii_only: bool) -> str:
    """Return JSON with escapes for letters that do not belong into an output."""
    lines = text if "\n" not in text else text.replace("\n", "")
    if lines.isprintable() and (not ascii_only or text.isascii()):
        return text
    return "".join(
        letter if letter in _LAYOUT else _escaped(letter, ascii_only=ascii_only) for letter in text
    )


_LAYOUT = frozenset(" \n")


def _escaped(letter: str, *, ascii_only: bool) -> str:
    if letter.isprintable() and (not ascii_only or letter.isascii()):
        return letter
    # JSON's own escape, except for the one letter of ASCII that it does not escape: delete.
    return json.dumps(letter)[1:-1].replace("\x7f", "\\u007f")
