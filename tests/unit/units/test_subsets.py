"""Subsets as people write them, and what is in them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mfwb.units.subsets import EVERYTHING, NOTHING, Subset, parse_subset

KEYS = [f"model {number} model.pkl" for number in range(2000)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("5%", (0, 1), (1, 20)),
        ("100 %", (0, 1), (1, 1)),
        ("0.5%", (0, 1), (1, 200)),
        ("1/20", (0, 1), (1, 20)),
        (" 3 / 4 ", (1, 2), (3, 4)),
        ("1/1", (0, 1), (1, 1)),
    ],
)
def test_subsets(text: str, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A percentage, or one of several groups."""
    assert parse_subset(text) == Subset(Fraction(*start), Fraction(*end))


@pytest.mark.parametrize(
    "text", ["", "5", "0%", "101%", "0/5", "5/4", "1/0", "-5%", "nan%", "1e1%", "\u0665%"]
)
def test_what_is_no_subset(text: str) -> None:
    """The message says how subsets are written."""
    with pytest.raises(ValueError, match="5%, or like 1/20"):
        parse_subset(text)


@pytest.mark.parametrize("groups", [2, 7, 20])
def test_groups_have_each_thing_once(groups: int) -> None:
    """As many runs as there are groups read everything, and nothing twice."""
    subsets = [parse_subset(f"{number}/{groups}") for number in range(1, groups + 1)]

    assert all(sum(subset.has(key) for subset in subsets) == 1 for key in KEYS)
    fair = len(KEYS) / groups
    assert all(fair * 0.6 < sum(map(subset.has, KEYS)) < fair * 1.4 for subset in subsets)


def test_a_percentage_has_about_as_many_and_the_same_each_time() -> None:
    """A larger percentage has all that a smaller one has."""
    few, more = parse_subset("5%"), parse_subset("25%")

    has_few, has_more = ({key for key in KEYS if item.has(key)} for item in (few, more))
    assert has_few < has_more
    assert 60 < len(has_few) < 140
    assert 400 < len(has_more) < 600


def test_everything_and_nothing() -> None:
    """The ends of all subsets."""
    assert EVERYTHING.is_whole
    assert NOTHING.is_empty
    assert all(map(EVERYTHING.has, KEYS))
    assert not any(map(NOTHING.has, KEYS))
