"""Whole numbers in JSON for readers that read all numbers as floats.

W&B's pages, its history and many other readers silently round a whole number beyond 2**53, and
W&B's own writer writes infinity for a number beyond the largest float. As text such a number stays
exact.
"""

from __future__ import annotations

from typing import Any

__all__ = ["EXACT", "has_digits", "to_exact", "with_exact_numbers"]

EXACT = 2**53
"""Floats represent every whole number up to this one exactly."""

_DIGITS_LIMIT_BITS = 14_284  # Python refuses to write an int of more than 4,300 digits (10**4300)


def to_exact(number: int) -> int | str:
    """Return the number itself if every reader reads it exactly, else as text.

    The text is decimal, or hexadecimal for more than 4,300 digits.
    """
    if -EXACT <= number <= EXACT:
        return number
    return str(number) if has_digits(number) else hex(number)


def has_digits(number: int) -> bool:
    """Return whether Python can write a whole number in decimal digits; it refuses too many."""
    return number.bit_length() <= _DIGITS_LIMIT_BITS


def with_exact_numbers(document: Any) -> Any:
    """Return a JSON document with each whole number replaced by `to_exact`."""
    if isinstance(document, dict):
        return {key: with_exact_numbers(item) for key, item in document.items()}
    if isinstance(document, list):
        return [with_exact_numbers(item) for item in document]
    if isinstance(document, int) and not isinstance(document, bool):
        return to_exact(document)
    return document
