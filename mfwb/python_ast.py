"""Python text that a stranger may have written -> its syntax tree, of bounded size and depth.

`ast.parse` of Python 3.10 dies of a deep tree, and each version takes gigabytes for a dotted name
of some thousand parts, or a kilobyte for each of a million short tokens. So what is large is
looked through first. The bounds are far above what people write.
"""

from __future__ import annotations

import ast
import re
import warnings

__all__ = ["TooLargeError", "count_tokens", "parse"]

_TOKENS_LIMIT = 200_000  # of a file; some 20,000 lines
_DEPTH_LIMIT = 5_000  # tokens that may each lie in the one before, as in `a().b().c()`
_DOTS_LIMIT = 100  # parts of a dotted name
_BRACES_LIMIT = 5_000  # in a string, which may be an f-string
_HARMLESS = 30_000  # letters; a file as short can't do much

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
    """A file has more, or deeper, syntax than is worth reading; its text says which."""


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a Python file.

    Raises:
        TooLargeError: it is too large, or nested too deep.
        SyntaxError: it is no Python.
    """
    count_tokens(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of `"\d"`; it is not our text
            return ast.parse(text)
    except (MemoryError, RecursionError):
        raise TooLargeError("it is nested too deep") from None
    except ValueError as error:  # a NUL in it
        raise SyntaxError(str(error)) from None


def count_tokens(text: str) -> int:
    """Return about how many tokens a file has; TooLargeError if that is too many, or too deep."""
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
    """Return a file without comments, and without strings that hold no code: `[0. 0. 0. ...]`."""
    return "".join(
        '""' if token.lastgroup == "string" and "{" not in token[0] else token[0]
        for token in _TOKEN.finditer(text)
        if token.lastgroup != "skip"
    )


class _Depth:
    """How deep the tree may be by now: each token may lie in the one before, but for commas."""

    def __init__(self) -> None:
        self._depth = 0
        self._by_bracket = [0]

    def add(self, kind: str | None, text: str) -> None:
        """Take a token in; TooLargeError if it may lie too deep."""
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
    """Return how many expressions there may be in a string if it is an f-string."""
    count = string.count("{")
    if count > _BRACES_LIMIT:
        raise TooLargeError("it has a string with too many braces")
    return count
