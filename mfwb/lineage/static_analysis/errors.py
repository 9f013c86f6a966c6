"""Errors of the static analysis."""

from __future__ import annotations

__all__ = ["CodeError", "TooIntricateError"]


class CodeError(ValueError):
    """The source does not contain the flow, or can't be parsed; the text is one line."""


class TooIntricateError(Exception):
    """A step needs too much work to be analysed; the text gives the reason."""
