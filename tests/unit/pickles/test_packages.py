"""Names in pickles, read from their opcodes."""

from __future__ import annotations

import collections
import datetime as dt
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from mfwb import pickles
from mfwb.pickles.packages import list_packages, read_names_in_file
from tests.unit.payload.frames_of_all_kinds import frames

VALUES: dict[str, Any] = {
    "nothing": {"a": [1, 2.5, "x", b"y", None, True, 2**100]},
    "long text": ["x" * 5000, "y" * 70_000, b"z" * 70_000, bytearray(b"b" * 500)],
    "time": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    "ordered": collections.OrderedDict(a={1, 2}, b=frozenset("x")),
    "array": np.arange(10),
    "model": RandomForestClassifier(2).fit([[0.0], [1.0]], [0, 1]),
    "error": ValueError("x"),
    "function": len,
    **{f"frame {kind}": frame for kind, frame in frames().items()},
}


def file_of(data: bytes, folder: Path) -> Path:
    """Return a file with these bytes."""
    path = folder / "x.pkl"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("kind", VALUES)
def test_same_names_as_acting_it_out(kind: str, protocol: int, tmp_path: Path) -> None:
    """What is read off is what the pickle asks for when it is loaded."""
    data = pickle.dumps(VALUES[kind], protocol=protocol)

    result = read_names_in_file(file_of(data, tmp_path))

    assert result == pickles.read_names(data)


@pytest.mark.parametrize(
    ("value", "modules"),
    [
        ({"a": 1}, ()),
        (dt.date(2026, 1, 1), ()),
        (np.arange(10), ("numpy",)),
        (pd.DataFrame({"a": [1]}, columns=pd.RangeIndex(1)), ("numpy", "pandas")),
        (VALUES["model"], ("numpy", "sklearn")),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_modules(
    value: Any,
    modules: tuple[str, ...],
    protocol: int,
    tmp_path: Path,
) -> None:
    """Python's own modules need not be named; large files say the same as small ones."""
    data = pickle.dumps(value, protocol=protocol)

    assert list_packages(pickles.read_names(data)) == modules
    assert list_packages(read_names_in_file(file_of(data, tmp_path)) or ()) == modules


def test_class_of_the_flow(tmp_path: Path) -> None:
    """What the flow's own file defines is said to be there."""
    path = file_of(b"\x80\x04\x8c\x08__main__\x94\x8c\x03Net\x94\x93\x94)\x81\x94.", tmp_path)

    assert list_packages(read_names_in_file(path) or ()) == ("__main__",)


@pytest.mark.parametrize("end", range(0, 140, 7))
def test_damaged(end: int, tmp_path: Path) -> None:
    """Of what is cut off the names are not known."""
    data = pickle.dumps(pd.DataFrame({"a": [1]}), protocol=4)

    assert read_names_in_file(file_of(data[:end], tmp_path)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",  # bytes of four exabytes
        b"\x80\x04T" + (-5).to_bytes(4, "little", signed=True) + b".",
        b"\x80\x04K\x01K\x02\x93.",  # a name of numbers
        b"\x80\x04\xff.",
        b"\x80\x04cos\n" + b"x" * 200_000,
        b"gx\n.",
    ],
)
def test_hostile(data: bytes, tmp_path: Path) -> None:
    """Of what no pickler writes the names are not known."""
    assert read_names_in_file(file_of(data, tmp_path)) is None


def test_too_many_opcodes(tmp_path: Path) -> None:
    """It gives up in time."""
    path = file_of(pickle.dumps(list(range(1000))), tmp_path)

    assert read_names_in_file(path, limit=900) is None
    assert read_names_in_file(path, limit=1100) == ()


def test_little_memory(tmp_path: Path) -> None:
    """Large parts are skipped, and what may be a name is kept in bounds."""
    value = {"a": np.ones(8_000_000), "b": [f"row {n}" for n in range(20_000)], "c": dt.date}
    path = file_of(pickle.dumps(value, protocol=4), tmp_path)
    tracemalloc.start()
    try:
        result = read_names_in_file(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert result is not None
    assert "datetime.date" in result
    assert peak < 30_000_000 < path.stat().st_size
