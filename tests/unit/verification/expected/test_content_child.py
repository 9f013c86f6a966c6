"""Files of W&B are compared with the pickles that they were made of."""

from __future__ import annotations

import io
import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mfwb.verification.expected.content_child import DIFFERENT, SAME, compare


def _parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
ARRAY = np.arange(3, dtype="int64")
OTHER = pd.DataFrame({"a": [1, 3], "b": ["x", None]})


@pytest.mark.parametrize(
    ("shape", "key", "value", "same", "different"),
    [
        ("parquet", "", FRAME, _parquet(FRAME), _parquet(OTHER)),
        ("tables", "t", {"t": FRAME}, _parquet(FRAME), _parquet(OTHER)),
        ("tables", "1", [OTHER, FRAME], _parquet(FRAME), _parquet(OTHER)),
        ("npy", "", ARRAY, _npy(ARRAY), _npy(ARRAY.view("uint64"))),
        ("json", "", {"a": [1]}, json.dumps({"a": [1]}).encode(), b'{"a": [2]}'),
    ],
    ids=["parquet", "table of a dict", "table of a list", "npy", "json"],
)
def test_each_shape(shape: str, key: str, value: Any, same: bytes, different: bytes) -> None:
    """Equal content is the same, other content and no content at all are different."""
    pickled = pickle.dumps(value)

    assert compare(shape, key, pickled, same) == SAME
    assert compare(shape, key, pickled, different) == DIFFERENT
    assert compare(shape, key, pickled, b"damaged") == DIFFERENT


def test_what_can_not_be_compared() -> None:
    """A table that no file is named after, and a pickle that may not be loaded, have a reason."""
    unknown = compare("tables", "u", pickle.dumps({"t": FRAME}), _parquet(FRAME))
    forbidden = compare("json", "", pickle.dumps(pd.Timestamp), b"{}")

    assert unknown == "the name of the file is none of the names of its tables"
    assert "Timestamp" in forbidden
