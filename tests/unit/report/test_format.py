"""Counts, sizes and names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.report.format import count, human_size
from mfwb.safe_text import one_line


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1_234_567, "1.2 MB"),
        (99_940, "99.9 KB"),
        (99_960, "100 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (2_000_000_000, "2.0 GB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    """Sizes have the unit that keeps them short."""
    assert human_size(size) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_sizes_are_near_the_truth(size: int) -> None:
    """What is shown is never off by more than what is rounded away, and never long."""
    number, unit = human_size(size).split()
    factor = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}[unit]

    assert abs(float(number) * factor - size) <= max(0.051 * factor, 0.006 * size)
    assert len(number) <= 4


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(1, "loss", "1 loss"), (0, "loss", "0 losses"), (1200, "artifact", "1,200 artifacts")],
)
def test_counts(number: int, noun: str, text: str) -> None:
    """Nouns agree with their number."""
    assert count(number, noun) == text


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    """Whatever comes in, one printable line comes out."""
    assert not one_line(text) or one_line(text).isprintable()
