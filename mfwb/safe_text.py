r"""Text that strangers wrote -> text that steers nothing: no terminal, no page, no line format.

Names, messages and paths of a flow run may hold escape sequences, line breaks, marks that turn the
direction of what follows, or a megabyte. What is not printable becomes a visible escape as Python
writes it (`\x1b`), so that people see that something is odd.
"""

from __future__ import annotations

import re

__all__ = [
    "LONGEST",
    "first_line",
    "fit_encoding",
    "has_unstorable",
    "one_line",
    "printable",
    "storable",
]

LONGEST = 2_000
"""Letters of a line for people: more than any sentence of ours, or a path, is in need of."""

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_ASCII_SIGNS = str.maketrans(
    {
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{LEFTWARDS ARROW}": "<-",
        _ELLIPSIS: "...",
        "\N{BOX DRAWINGS LIGHT VERTICAL}": "|",
        "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
        "\N{BOX DRAWINGS LIGHT VERTICAL AND RIGHT}": "+",
        "\N{BOX DRAWINGS LIGHT UP AND RIGHT}": "`",
    }
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return the text as one printable line: blanks and breaks are single blanks, the end is cut.

    Args:
        text: whatever it holds.
        longest: letters that the result has at most.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = _escape(line[: longest + 1])
    return line if len(line) <= longest else line[: longest - 1] + _ELLIPSIS


def printable(text: str) -> str:
    """Return the text with its line breaks, and all else that is not printable escaped."""
    if text.isprintable():
        return text
    return "\n".join(
        line if line.isprintable() else _escape(line.expandtabs()) for line in text.split("\n")
    )


def fit_encoding(text: str, encoding: str = "ascii") -> str:
    """Return a text of ours for an output of that encoding.

    Where it lacks letters, the signs that we draw with become what looks most like them, and the
    rest visible escapes.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII_SIGNS).encode(encoding, "backslashreplace").decode(encoding)
    return text


def storable(text: str) -> str:
    r"""Return the text with what is no Unicode, and NUL, escaped: JSON, protobuf and SQL take it.

    Lone surrogates are what Python makes of bytes that are no UTF-8, as in a file's name, and of
    `"\ud800"` in JSON.
    """
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(lambda match: _escape(match[0]), text)


def has_unstorable(text: str) -> bool:
    """Return whether `storable` would change the text."""
    return _UNSTORABLE.search(text) is not None


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its type if it says nothing.

    W&B's errors run to several lines, of which the first one tells.
    """
    lines = (line for line in str(error).splitlines() if line.strip())
    return one_line(next(lines, type(error).__name__))


def _escape(text: str) -> str:
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()
