"""Readable forms of masked arrays and of pandas scalars, without importing pandas."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mfwb.config import StepSettings
from mfwb.errors import ItemLost
from mfwb.payload.values import decode
from mfwb.planning.classify import can_be_shown, classify
from tests.unit.payload.memory import MemoryContents
from tests.unit.payload.test_type_inspection import looked, ref

_ZONES = ("UTC", "Europe/Berlin", "+05:30")
_MOMENTS = [
    moment.as_unit(unit) if zone is None else moment.as_unit(unit).tz_localize(zone)
    for moment in map(pd.Timestamp, ("2024-03-31 12:30:00.5", "1969-12-31 23:59:59.999999999"))
    for unit in ("s", "ms", "us", "ns")
    for zone in (None, *_ZONES)
]


def _search() -> dict[str, Any]:
    """Return what scikit-learn's searches leave, as `cv_results_`."""
    return {
        "mean_test_score": np.array([0.5, 0.25]),
        "param_C": np.ma.array([0.1, None], mask=[False, True], dtype=object),
        "param_gamma": np.ma.array([1.5, 2.5], mask=[True, False]),
        "params": [{"C": 0.1}, {"gamma": 2.5}],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            _search(),
            {
                "mean_test_score": [0.5, 0.25],
                "param_C": [0.1, None],
                "param_gamma": [None, 2.5],
                "params": [{"C": 0.1}, {"gamma": 2.5}],
            },
        ),
        (
            np.ma.array([[1, 2], [3, 4]], mask=np.array([[0, 0], [1, 0]], bool), order="F"),
            [[1, 2], [None, 4]],
        ),
        (np.ma.zeros(5000), "array of 5,000 float64"),
        (pd.NaT, "NaT"),
        (pd.Timedelta("1h"), 3600.0),
        (pd.Timedelta("-1ns"), -1e-9),
        (
            {"start": pd.Timestamp("2024-01-02"), "end": pd.NaT, "all": [pd.NA]},
            {"start": "2024-01-02T00:00:00", "end": "NaT", "all": [None]},
        ),
    ],
)
def test_shown(value: object, expected: Any) -> None:
    """It is what a person reads of the object itself, and it is among what is shown."""
    contents = MemoryContents()

    result = looked(contents, ref(contents, "x", value))["x"]

    assert decode(pickle.dumps(value), "shown").json == expected
    assert can_be_shown(result, classification := classify(result), StepSettings()), classification


@pytest.mark.parametrize("moment", _MOMENTS, ids=str)
def test_moments(moment: pd.Timestamp) -> None:
    """It is what pandas writes, to the nanosecond."""
    assert decode(pickle.dumps(moment), "shown").json == moment.isoformat()


@pytest.mark.parametrize("part", [1, 4, 5])
def test_a_damaged_masked_array(part: int) -> None:
    """Nothing is read of a shape, items or a mask that do not fit."""
    make, arguments, state = _parts_of(np.ma.array([1, 2], mask=[False, True]))
    damaged = (*state[:part], (10**12,) if part == 1 else b"", *state[part + 1 :])

    with pytest.raises(ItemLost):
        decode(pickle.dumps(_Reduced(make, arguments, damaged)), "shown")


def _parts_of(value: Any) -> tuple[Any, ...]:
    parts = value.__reduce__()
    assert isinstance(parts, tuple)
    return parts


class _Reduced:
    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return self._parts
