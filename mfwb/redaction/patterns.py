"""Patterns of secrets that the user adds, matched in linear time whatever they are.

Python's `re` can take for ever with an expression of a settings file. RE2, which pyarrow has for
its columns of text, can't: it has no look-around and no references back, and reports both.
"""

from __future__ import annotations

from collections.abc import Sequence

from mfwb.redaction.mark import MASK

__all__ = ["Patterns", "describe_wrong_pattern"]


class Patterns:
    """Regular expressions of secrets."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._expressions = tuple(expressions)

    def mask(self, text: str) -> str:
        """Return the text with stars in place of all that the expressions match."""
        if not self._expressions or not text:
            return text
        import pyarrow  # noqa: ICN001, PLC0415 - it is slow to import, and nearly never needed
        import pyarrow.compute as pc  # noqa: PLC0415

        column = pyarrow.array([text], pyarrow.large_string())
        for expression in self._expressions:
            column = pc.replace_substring_regex(column, pattern=expression, replacement=MASK)
        masked: str = column[0].as_py()
        return masked


def describe_wrong_pattern(expression: str) -> str | None:
    """Return what is wrong with a regular expression of the user; None if it can be used."""
    import pyarrow  # noqa: ICN001, PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    try:
        matches = pc.match_substring_regex(pyarrow.array([""]), pattern=expression)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, UnicodeEncodeError) as error:
        reason = str(error).rpartition("Invalid regular expression: ")[2]
        return f"{expression!r} is no regular expression that RE2 takes: {reason}"
    if matches[0].as_py():
        return f"{expression!r} matches the empty text, and so any text"
    return None
