"""Whole numbers for readers of JSON, most of whom know numbers as floats.

W&B's pages, its history and many other readers round a whole number beyond 2**53, in silence, and
W&B's own writer makes infinity of what no float holds. As text such a number stays what it is.
"""

from __future__ import annotations

from typing import Any

__all__ = ["EXACT", "has_digits", "to_exact", "with_exact_numbers"]

EXACT = 2**53
"""The largest whole number up to which a float holds every one."""

_DIGITS_LIMIT_BITS = 14_284  # Python writes no int of more than 4,300 digits, which is 10**4300


def to_exact(number: int) -> int | str:
    """Return a whole number: itself if every reader takes it as it is, else as text.

    The text is decimal, and of more than 4,300 digits hexadecimal.
    """
    if -EXACT <= number <= EXACT:
        return number
    return str(number) if has_digits(number) else hex(number)


def has_digits(number: int) -> bool:
    """Return whether Python writes a whole number in digits; there can be too many of them."""
    return number.bit_length() <= _DIGITS_LIMIT_BITS


def with_exact_numbers(document: Any) -> Any:
    """Return JSON types with each whole number as `to_exact` has it."""
    if isinstance(document, dict):
        return {key: with_exact_numbers(item) for key, item in document.items()}
    if isinstance(document, list):
        return [with_exact_numbers(item) for item in document]
    if isinstance(document, int) and not isinstance(document, bool):
        return to_exact(document)
    return document
