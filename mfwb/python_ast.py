"""Parse Python text of strangers into a syntax tree, with limits on size and depth.

`ast.parse` of Python 3.10 crashes on a deep tree, and each version takes gigabytes for a dotted
name of some thousand parts, or a kilobyte for each of a million short tokens. So the tokens of a
large file are counted first. The limits are far above what people write.
"""

from __future__ import annotations

import ast
import re
import warnings

__all__ = ["TooLargeError", "count_tokens", "parse"]

_TOKENS_LIMIT = 200_000  # of a file; some 20,000 lines
_DEPTH_LIMIT = 5_000  # tokens that may each be nested in the one before, as in `a().b().c()`
_DOTS_LIMIT = 100  # parts of a dotted name
_BRACES_LIMIT = 5_000  # in a string, which may be an f-string
_HARMLESS = 30_000  # letters; such a short file can't do much harm

_LONG_DOTTED = re.compile(r"(?:\.[ \t\f\\\n]*\w+[ \t\f\\\n]*)" f"{{{_DOTS_LIMIT}}}")
_TOKEN = re.compile(
    r"""(?P<skip>[ \t\f]+|\\\n|\#[^\n]*)
    | (?P<string>\"{3}(?:[^"\\]|\\.|"(?!""))*\"{3} | '{3}(?:[^'\\]|\\.|'(?!''))*'{3}
        | "(?!"")(?:[^"\\\n]|\\.)*" | '(?!'')(?:[^'\\\n]|\\.)*')
    | (?P<unclosed>\"{3}|'{3}) | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<ends>[,;\n])
    | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)


class TooLargeError(ValueError):
    """The syntax of a file is too large or too deep; the text is the reason."""


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a Python file.

    Raises:
        TooLargeError: it is too large, or nested too deep.
        SyntaxError: it is not valid Python.
    """
    count_tokens(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about `"\d"`: it is not mfwb's own text
            return ast.parse(text)
    except (MemoryError, RecursionError):
        raise TooLargeError("it is nested too deep") from None
    except ValueError as error:  # a NUL in it
        raise SyntaxError(str(error)) from None


def count_tokens(text: str) -> int:
    """Return the approximate number of tokens; TooLargeError if they are too many or too deep."""
    if _LONG_DOTTED.search(text) and _LONG_DOTTED.search(_without_prose(text)):
        raise TooLargeError(f"it has a dotted name of more than {_DOTS_LIMIT} parts")
    if len(text) <= _HARMLESS:
        return len(text) // 4
    count, depth = 0, _Depth()
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "skip":
            continue
        if kind == "unclosed":
            raise TooLargeError("it has a string without an end")
        if kind == "string":
            count += _in_braces(token[0])
            continue
        depth.add(kind, token[0])
        count += 1
        if count > _TOKENS_LIMIT:
            raise TooLargeError("it is too large")
    return count


def _without_prose(text: str) -> str:
    """Return a file without comments, and without strings that have no code: `[0. 0. 0. ...]`."""
    return "".join(
        '""' if token.lastgroup == "string" and "{" not in token[0] else token[0]
        for token in _TOKEN.finditer(text)
        if token.lastgroup != "skip"
    )


class _Depth:
    """Largest possible depth of the tree so far: a token may be nested in the one before."""

    def __init__(self) -> None:
        self._depth = 0
        self._by_bracket = [0]

    def add(self, kind: str | None, text: str) -> None:
        """Add a token; TooLargeError if it may be nested too deep."""
        if kind == "close":
            self._depth -= self._by_bracket.pop() if len(self._by_bracket) > 1 else 0
        elif kind == "ends":
            if text != "\n" or len(self._by_bracket) == 1:
                self._depth -= self._by_bracket[-1]
                self._by_bracket[-1] = 0
            return
        elif kind == "open":
            self._by_bracket.append(0)
        self._depth += 1
        self._by_bracket[-1] += 1
        if self._depth > _DEPTH_LIMIT:
            raise TooLargeError("it is nested too deep")


def _in_braces(string: str) -> int:
    """Return the largest possible number of expressions in a string, if it is an f-string."""
    count = string.count("{")
    if count > _BRACES_LIMIT:
        raise TooLargeError("it has a string with too many braces")
    return count
