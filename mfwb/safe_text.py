r"""Make text of strangers safe for terminals, web pages and formats with lines.

Names, messages and paths of a flow run may contain escape sequences, line breaks, marks that change
the direction of the following text, or a megabyte. Characters that are not printable become visible
escapes as Python writes them (`\x1b`), so that people see that something is odd.
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
"""Letters of a line for people: more than any message of mfwb, or a path, needs."""

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_ASCII_SIGNS = str.maketrans(
    {
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{ALMOST EQUAL TO}": "~",
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
    """Return the text as one printable line: white space becomes single blanks, the end is cut.

    Args:
        text: any text.
        longest: largest number of letters of the result.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = _escape(line[: longest + 1])
    return line if len(line) <= longest else line[: longest - 1] + _ELLIPSIS


def printable(text: str) -> str:
    """Return the text with its line breaks; all other characters that are not printable escaped."""
    if text.isprintable():
        return text
    return "\n".join(
        line if line.isprintable() else _escape(line.expandtabs()) for line in text.split("\n")
    )


def fit_encoding(text: str, encoding: str = "ascii") -> str:
    """Return a text of mfwb for an output of that encoding.

    If the encoding lacks letters, signs for drawing become similar ASCII signs, and other letters
    become visible escapes.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII_SIGNS).encode(encoding, "backslashreplace").decode(encoding)
    return text


def storable(text: str) -> str:
    r"""Return the text with lone surrogates and NUL escaped, as JSON, protobuf and SQL require it.

    Python makes lone surrogates from bytes that are not UTF-8, for example in a file's name, and
    from `"\ud800"` in JSON.
    """
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(lambda match: _escape(match[0]), text)


def has_unstorable(text: str) -> bool:
    """Return whether `storable` would change the text."""
    return _UNSTORABLE.search(text) is not None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type if it has no text.

    W&B's errors have several lines, of which the first one is the useful one.
    """
    lines = (line for line in str(error).splitlines() if line.strip())
    return one_line(next(lines, type(error).__name__))


def _escape(text: str) -> str:
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()
