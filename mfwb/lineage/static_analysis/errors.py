"""What is wrong with source text that can't be analysed."""

from __future__ import annotations

__all__ = ["CodeError", "TooIntricateError"]


class CodeError(ValueError):
    """The source does not show the flow; its text is one line that says why."""


class TooIntricateError(Exception):
    """A step takes more work than is worth it; its text says what makes it so."""
