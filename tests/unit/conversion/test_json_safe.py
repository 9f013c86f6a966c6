"""Plain Python values as JSON."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter, OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.conversion.json_safe import json_size, json_text, json_text_again, to_json, to_json_again
from mfwb.errors import ItemLost
from tests.support.examples import examples

few = settings(max_examples=examples(40), deadline=None)  # a busy machine is no failure
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.complex_numbers()
    | st.uuids()
    | st.floats(width=32).map(np.float32)
    | st.integers(-128, 127).map(np.int8)
)
KEYS = (
    st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.tuples(st.integers())
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(deque)
        | st.dictionaries(KEYS, inner)
        | st.frozensets(SCALARS)
    ),
    max_leaves=20,
)


@few
@given(VALUES)
def test_always_json(value: Any) -> None:
    """Whatever is plain becomes JSON that every reader takes."""
    json.dumps(to_json(value), allow_nan=False)


@few
@given(VALUES)
def test_idempotent(value: Any) -> None:
    """What is JSON stays as it is."""
    once = to_json(value)

    assert to_json(once) == once


@few
@given(VALUES)
def test_in_two_steps(value: Any) -> None:
    """To keep NaN at first and to replace it later makes no difference."""
    assert to_json(to_json(value, as_numbers=True)) == to_json(value)


@few
@given(VALUES)
def test_what_was_converted(value: Any) -> None:
    """What is quick for a converted value gives what a second conversion gives."""
    converted = to_json(value, as_numbers=True)

    assert json_text_again(converted) == json_text(converted)
    assert repr(to_json_again(converted)) == repr(to_json(converted))


@few
@given(st.dictionaries(KEYS, st.integers(-100, 100)))
def test_no_key_is_lost(value: dict[Any, int]) -> None:
    """Keys that look alike as text are told apart."""
    assert list(to_json(value).values()) == list(value.values())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (-0.0, -0.0),
        (2**53, 2**53),
        (-(2**53) - 1, "-9007199254740993"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        ([2**53 + 1, 1], ["9007199254740993", 1]),
        (10**400, "1" + "0" * 400),
        (True, True),
        (None, None),
        ((1, 2), [1, 2]),
        (deque([1, [2.5, math.nan]]), [1, [2.5, "NaN"]]),
        ({3, 1, 2}, [1, 2, 3]),
        ({"b", 10, 9, "a", (1,), 2.5}, [2.5, 9, 10, "a", "b", [1]]),
        (frozenset(), []),
        (b"\xff", {"_type": "bytes", "base64": "/w=="}),
        (bytearray(b"a"), {"_type": "bytes", "base64": "YQ=="}),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc), "2026-01-02T03:04:05+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4), "03:04:00"),
        (dt.timedelta(minutes=1, milliseconds=500), 60.5),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (
            {1: "a", "1": "b", (1, 2): "c", None: "d"},
            {"1_2": "a", "1": "b", "(1, 2)": "c", "None": "d"},
        ),
        ({"1": "a", 1: "b", "1_2": "c"}, {"1": "a", "1_3": "b", "1_2": "c"}),
        (np.float32(1.5), 1.5),
        (np.float64("nan"), "NaN"),
        (np.int64(3), 3),
        (np.uint64(2**63), str(2**63)),
        (np.bool_(1), True),
        (np.str_("x"), "x"),
        (np.bytes_(b"a"), {"_type": "bytes", "base64": "YQ=="}),
        (np.longdouble(1.5), 1.5),
        (np.complex64(1j), "1j"),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (np.datetime64("NaT"), "NaT"),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64("NaT", "s"), "NaT"),
        (np.timedelta64(3, "M"), "3 months"),
        (np.array([[1500, "NaT"]], "m8[ms]"), [[1.5, "NaT"]]),
        (np.array(90, "m8[m]"), 5400.0),
        (np.array([1], "m8[M]"), ["1 months"]),
        (np.array(["2026-01-02", "NaT"], "M8[ns]"), ["2026-01-02T00:00:00.000000000", "NaT"]),
        ([1.5, math.inf], [1.5, "Infinity"]),
        ([2**70, -(2**70)], [str(2**70), str(-(2**70))]),
    ],
)
def test_examples(value: Any, expected: Any) -> None:
    """Each type has its form."""
    result = to_json(value)

    assert (result, type(result)) == (expected, type(expected))
    assert json.loads(json.dumps(result)) == expected


def test_ints_that_python_does_not_write() -> None:
    """Ints beyond what Python turns to decimal text go as hexadecimal text."""
    assert to_json([10**5000])[0].startswith("0x")
    assert to_json({10**5000: 1}) == {hex(10**5000): 1}
    assert to_json(10**4000) == "1" + "0" * 4000


def test_escaped_keys_are_told_apart() -> None:
    """What is escaped in a key may be what another key is; then a number tells them apart."""
    assert to_json({"a\0": 1, "a\\x00": 2}) == {"a\\x00_2": 1, "a\\x00": 2}


def test_a_file_keeps_whole_numbers() -> None:
    """A file is read by Python, which takes any whole number as it is."""
    assert to_json([2**70, 1], exact=True) == [2**70, 1]


def test_more_digits_than_a_float_has() -> None:
    """A longdouble that no float equals goes as text."""
    third = np.longdouble(1) / 3

    assert to_json([third, np.longdouble(0.5)]) == [str(third), 0.5]


def test_nan_can_be_kept() -> None:
    """For charts, NaN and infinities can stay floats."""
    assert str(to_json([math.nan, math.inf], as_numbers=True)) == "[nan, inf]"


def test_no_type_of_numpy_or_of_the_user_is_left() -> None:
    """Subclasses of str, int and float come out as these."""
    result = to_json([np.float64(1), np.str_("x"), np.int8(1)])

    assert [type(item) for item in result] == [float, str, int]


def test_recursion() -> None:
    """What contains itself is lost; what is only contained twice is not."""
    inner = [1]
    endless: dict[str, Any] = {"inner": inner}
    endless["again"] = [endless]

    assert to_json([inner, inner]) == [[1], [1]]
    with pytest.raises(ItemLost, match="it contains itself"):
        to_json(endless)


def test_depth() -> None:
    """A hundred levels are taken, one more is not."""
    deep: Any = 1
    for _ in range(100):
        deep = (deep,)

    assert json_size(to_json(deep)) == 201
    with pytest.raises(ItemLost, match="more than 100 levels deep"):
        to_json([deep])


def test_size() -> None:
    """What is too large for any summary is lost before it fills the memory."""
    with pytest.raises(ItemLost, match="larger than 10 MB"):
        to_json(["x" * 1_000_000] * 11)


@pytest.mark.parametrize("value", [object(), [iter(())], Fraction(10**5000, 3)])
def test_no_json_form(value: object) -> None:
    """What has no JSON form is lost with a reason."""
    with pytest.raises(ItemLost, match=r"has no JSON form|can't be written as text"):
        to_json(value)


def test_text() -> None:
    """The text of a value is JSON as well."""
    assert json_text({"a": {2, 1}, "b": math.nan}) == '{"a": [1, 2], "b": "NaN"}'


@pytest.mark.parametrize(
    "item",
    [
        b"",
        10**4000,
        pytest.param(2**1_000_000, marks=pytest.mark.exhaustive),
        [],
        pytest.param({}, marks=pytest.mark.exhaustive),
    ],
    ids=lambda item: f"{type(item)}",
)
def test_one_thing_many_times(item: Any) -> None:
    """What is there a million times counts for what it takes to write it down."""
    with pytest.raises(ItemLost, match="larger than"):
        to_json([item] * 1_000_000)
