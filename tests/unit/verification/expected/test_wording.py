"""Values as W&B should say them, and whether W&B does."""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest

from mfwb.verification.expected.wording import ANY, SET, Described, matches, put


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, None),
        (True, True),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ("a\0b", "a\\x00b"),
        (b"x", {"_type": "bytes", "base64": "eA=="}),
        ((1, "a"), [1, "a"]),
        (deque([1]), [1]),
        ({1: 2, None: 3}, {"1": 2, "None": 3}),
        ({"_type": "image"}, {"_type_": "image"}),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, tzinfo=timezone.utc), "2024-02-29T01:00:00+00:00"),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (np.float64(0.5), 0.5),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.arange(2), [0, 1]),
        (np.zeros((50, 50)), "array of 50 by 50 float64"),
    ],
)
def test_a_value_in_words(value: Any, words: Any) -> None:
    """As docs/mapping.md has it."""
    assert put(value) == words
    assert type(put(value)) is type(words)


def test_a_set_has_any_order() -> None:
    """Its items are there once each."""
    texts = put({1, 2})

    assert texts == {SET: [1, 2]}
    assert matches(texts, [2, 1])
    assert not matches(texts, [2, 2])


def test_keys_that_look_alike_are_left_open() -> None:
    """One of them gets a number behind it."""
    assert put({1: 2, "1": 3}) == {ANY: True}
    assert matches({ANY: True}, "anything")


def test_objects_that_were_not_made() -> None:
    """Members of enums, named tuples and objects with fields."""
    thing = Described("m.Thing", ())
    thing.state = {"number": 1}

    assert put(Described("m.Color", (1,))) == "Color(1)"
    assert put(Described("m.Point", (1, 2))) == [1, 2]
    assert put(thing) == {"number": 1}


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (None, None, True),
        (None, "None", False),
        ([1, 2], [1, 2], True),
        ([1, 2], [1], False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("x", "y", False),
    ],
)
def test_what_is_equal(expected: Any, actual: Any, is_same: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """JSON has one kind of number, and a bool is none."""
    assert matches(expected, actual) is is_same


def test_what_is_nested_too_deep() -> None:
    """It is no value."""
    value: list[Any] = []
    for _ in range(200):
        value = [value]

    with pytest.raises(ValueError, match="nested"):
        put(value)
