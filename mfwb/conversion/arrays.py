"""Loading of pickled numpy arrays, and writing of `.npy` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.pickles.allowlist import ARRAYS

__all__ = ["load_array", "write_npy"]


def load_array(source: pickles.Source) -> Any:
    """Return the pickled value, with only the names that arrays need; else any error."""
    return pickles.loads(source, ARRAYS)


def write_npy(array: Any, path: Path) -> None:
    """Write an array in numpy's format; TypeError if it is not an array or has Python objects."""
    import numpy as np  # noqa: PLC0415

    if type(array) is not np.ndarray:  # a file would not record that it is a matrix or masked
        raise TypeError(f"a {type(array).__name__} is not a plain array")
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects has no plain form")
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
