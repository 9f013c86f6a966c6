"""numpy arrays out of pickles, and into `.npy` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.pickles.allowlist import ARRAYS

__all__ = ["load_array", "write_npy"]


def load_array(source: pickles.Source) -> Any:
    """Return what was pickled with the names that arrays need; any error if it needs others."""
    return pickles.loads(source, ARRAYS)


def write_npy(array: Any, path: Path) -> None:
    """Write an array as numpy does; TypeError if it is none, or one of Python objects."""
    import numpy as np  # noqa: PLC0415

    if type(array) is not np.ndarray:  # a matrix, a masked array: a file would not say so
        raise TypeError(f"a {type(array).__name__} is no plain array")
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects has no plain form")
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
