"""Real pickles of all kinds that mfwb loads, as input of the fuzz test."""

from __future__ import annotations

import datetime as dt
import enum
import pickle
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from metaflow.user_configs.config_parameters import ConfigValue

from tests.unit.payload.frames_of_all_kinds import columns, frames, indexes

__all__ = ["seeds"]

_OFTEN = 12

_DTYPES: list[Any] = ["?", "i1", "<i8", ">f8", "c16", "S5", "U5", "M8[s]", "m8[D]", "O"]
_STRUCTS: list[Any] = [[("a", "i4"), ("b", "S3")], [("a", "M8[s]"), ("b", "f8", (2,))]]


def seeds() -> list[tuple[str, bytes]]:
    """Return ways to load, and pickles to load so; in both protocols of Metaflow."""
    return [
        (way, pickle.dumps(value, protocol=protocol))
        for way, values in (
            ("value", _values()),
            ("shown", [*_values(), *_arrays()]),
            ("inside", _values()),
            ("table", _tables()),
            ("array", _arrays()),
        )
        for value in values
        for protocol in (2, 4)
        for _ in range(_OFTEN if way == "value" else 1)  # these go into all W&B runs
    ]


class Color(enum.Enum):
    """One that only the pickle knows; where it is loaded, nothing is imported."""

    RED = "red"


@dataclass
class Point:
    """The same, with fields."""

    x: int
    more: Any = None


class Pair(NamedTuple):
    """The same, made of values."""

    left: Any
    right: Any


def _values() -> list[Any]:
    factory: defaultdict[str, list[int]] = defaultdict(list)
    factory["a"].append(1)
    shared = ("x", 1)
    return [
        {"a": [1, 2.5, True, None], "b": {"c": (1, "x")}, 3: 2**70, shared: [shared, shared]},
        [{1, 2}, frozenset({"a"}), b"bytes", bytearray(b"bytes"), 1j],
        [Counter("aab"), OrderedDict(a=1), deque([1, 2], 5), factory],
        [dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), dt.date(2026, 1, 2), dt.time(3)],
        [dt.timedelta(1), Decimal("1.5"), Fraction(1, 3), uuid.UUID(int=3), PurePosixPath("/a/b")],
        [np.float64(1.5), np.int8(3), np.str_("x"), np.datetime64("2026-01-01"), np.bool_(True)],  # noqa: FBT003
        [0.5 * number for number in range(50)],
        [{"name": str(number), "value": number} for number in range(20)],
        [Color.RED, Point(1, [Color.RED]), Pair(Point(2), "x"), {Color.RED: 1}, Point, OrderedDict],
        [range(3), slice(1, None), ConfigValue({"a": {"b": 1}}), dt.timezone.utc, ZoneInfo("UTC")],
    ]


def _tables() -> list[Any]:
    series = [pd.Series(data, name="s") for data in columns().values()]
    arrow = pa.table({"a": [1, None], "b": ["x", "y"], "c": [[1], None], "d": [{"x": 1}, None]})
    arrow = arrow.append_column("e", pa.array(["x", "y"]).dictionary_encode())
    batch = arrow.to_batches()[0]
    return [*frames().values(), *series, *indexes().values(), arrow, batch]


def _arrays() -> list[Any]:
    plain = [np.zeros((2, 3), dtype) for dtype in [*_DTYPES, *_STRUCTS]]
    return [
        *plain,
        np.arange(100.0),
        np.asfortranarray(np.ones((3, 4))),
        [np.arange(3), np.int8(1)],
    ]
