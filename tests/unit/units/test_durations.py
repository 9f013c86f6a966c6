"""Durations as text for people."""

from __future__ import annotations

import pytest

from mfwb.units.durations import format_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (299, "4 minutes"),
        (3600, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (86_400 * 1234, "1,234 days"),
    ],
)
def test_largest_unit_that_fits(seconds: float, words: str) -> None:
    """The text has whole numbers of the largest unit, never rounded up."""
    assert format_duration(seconds) == words
