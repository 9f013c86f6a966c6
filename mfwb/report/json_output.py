"""JSON output that is safe to show on a terminal."""

from __future__ import annotations

import json

__all__ = ["for_any_output", "json_text"]


def for_any_output(document: object) -> tuple[str, str]:
    """Return a document as lines of JSON, and the same for an output that takes ASCII only."""
    return (
        f"{json_text(document, ascii_only=False)}\n",
        f"{json_text(document, ascii_only=True)}\n",
    )


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
    if text.replace("\n", "").isprintable():
        return text
    return "".join(letter if letter in _LAYOUT else _escaped(letter) for letter in text)


_LAYOUT = frozenset(" \n")


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    # JSON's own escape, except for the one letter of ASCII that it does not escape: delete.
    return json.dumps(letter)[1:-1].replace("\x7f", "\\u007f")
