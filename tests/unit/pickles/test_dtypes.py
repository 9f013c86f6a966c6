"""Pickled numpy dtypes that say more than their bytes hold."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from mfwb import pickles
from mfwb.pickles.allowlist import FRAMES


def dtype_pickle(dtype: str, state: tuple[Any, ...], data: Any) -> bytes:
    """Return the pickle of an array of one item with a dtype of a given state."""

    class Dtype:
        def __reduce__(self) -> tuple[Any, ...]:
            return np.dtype, (dtype, False, True), state

    class Array:
        def __reduce__(self) -> tuple[Any, ...]:
            reduced: Any = np.zeros(1).__reduce__()
            return reduced[0], reduced[1], (1, (1,), Dtype(), False, data)

    return pickle.dumps(Array())


@pytest.mark.parametrize(
    ("dtype", "state"),
    [
        # An array of objects that claims to hold plain bytes: bytes would become pointers.
        ("O8", (3, "|", None, None, None, -1, -1, 0)),
        # Items that are larger than they are.
        ("V8", (3, "|", None, None, None, 10**6, 1, 0)),
        ("S8", (3, "|", None, None, None, 10**6, 1, 0)),
        # A part that lies beyond the end.
        ("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 10**6)}, 8, 1, 0)),
        ("V8", (3, "|", (np.dtype("f8"), (10**6,)), None, None, 8, 1, 0)),
    ],
)
def test_dtypes_that_reach_beyond_their_bytes(dtype: str, state: tuple[Any, ...]) -> None:
    """Numpy trusts what a pickle says of a dtype, so mfwb does not."""
    with pytest.raises(pickle.UnpicklingError, match=r"would change numpy\.dtype"):
        pickles.loads(dtype_pickle(dtype, state, b"\x41" * 8), FRAMES)


def test_an_honest_dtype() -> None:
    """The same pickle with an honest state is read."""
    honest = dtype_pickle("S8", (3, "|", None, None, None, 8, 1, 0), b"\x41" * 8)

    assert pickles.loads(honest, FRAMES).tolist() == [b"AAAAAAAA"]
