"""What a pickle holds, without running its code."""

from __future__ import annotations

import enum
import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mfwb.verification.expected.value_child import describe


class Color(enum.Enum):
    """An enum of a user."""

    RED = 1


class Thing:
    """An object of a user."""

    def __init__(self) -> None:
        self.number = 1


class Bomb:
    """What would run code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a folder when it is loaded."""
        return os.mkdir, (str(self.path),)


def test_values() -> None:
    """Words, numbers exactly, and points of curves."""
    assert describe(pickle.dumps({"a": 1}))["json_value"] == {"a": 1}
    assert describe(pickle.dumps(2**60))["number"] == "int 1000000000000000"
    assert describe(pickle.dumps(0.1))["number"] == f"float {(0.1).hex()}"
    assert describe(pickle.dumps([1, 2**1100]))["columns"] == [["", 1, 2**1100]]
    assert "number" not in describe(pickle.dumps(bool(1)))


def test_names_of_columns_that_json_can_not_hold() -> None:
    """They are escaped, as in the summary."""
    columns = describe(pickle.dumps({"a\0b": [1, 2], "\ud800": [3, 4]}))["columns"]

    assert columns == [["a\\x00b", 1, 2], ["\\ud800", 3, 4]]


def test_spans_of_time_are_numbers() -> None:
    """They are seconds, also in a curve; a month has no length."""
    second = f"float {(1.0).hex()}"
    for span in (timedelta(seconds=1), np.timedelta64(1, "s")):
        assert describe(pickle.dumps(span))["number"] == second
        assert describe(pickle.dumps([span, 2]))["columns"] == [["", 1.0, 2]]
    for other in (np.timedelta64(1, "M"), np.timedelta64("NaT", "s")):
        assert "number" not in describe(pickle.dumps(other))


def test_a_longdouble_that_no_float_equals_is_no_number() -> None:
    """It is text."""
    assert describe(pickle.dumps(np.longdouble("0.5")))["number"] == f"float {(0.5).hex()}"
    if np.longdouble("0.1") != 0.1:  # on some machines it is a float
        assert "number" not in describe(pickle.dumps(np.longdouble("0.1")))


def test_objects_of_users() -> None:
    """Their classes are not imported."""
    module = __name__

    assert describe(pickle.dumps(Color.RED))["json_value"] == "Color(1)"
    thing = describe(pickle.dumps(Thing()))
    assert thing["json_value"] == {"number": 1}
    assert thing["names"] == (f"{module}.Thing",)


def test_equal_values_have_one_digest() -> None:
    """However they were pickled."""
    text, same = "shared", str(b"shared", "ascii")

    item = describe(pickle.dumps([text, text]))
    other = describe(pickle.dumps([text, same]))

    assert item["digest"] == other["digest"] != describe(pickle.dumps(["shared"]))["digest"]


def test_code_does_not_run(tmp_path: Path) -> None:
    """Nothing is known then but the names."""
    target = tmp_path / "made"

    result = describe(pickle.dumps(Bomb(target)))

    assert "json_value" not in result
    assert "posix.mkdir" in result["reason"]
    assert not target.exists()


def test_damage() -> None:
    """A pickle that is cut off."""
    result = describe(pickle.dumps("a" * 100)[:50])

    assert result["digest"] is None
    assert "json_value" not in result
    assert "ends in" in result["reason"]


@pytest.mark.parametrize(
    ("number", "chart"), [(3.0, "histogram"), (1e308, None), (2.0**60, None), (5e-324, "histogram")]
)
def test_histogram_of_one_number(number: float, chart: str | None) -> None:
    """A histogram needs bins: floats can't divide the range around a large number."""
    assert describe(pickle.dumps(np.full(40, number))).get("chart") == chart
