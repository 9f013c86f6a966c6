"""DataFrames out of pickles, and into parquet. pandas is imported only here and in `doors`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfwb import pickles
from mfwb.payload.allowed import FRAME_MAKERS, FRAMES

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["load_frame", "load_frames", "write_parquet"]


def load_frame(data: bytes) -> pd.DataFrame:
    """Return the DataFrame that was pickled; any error if it is none, or can't be had safely."""
    return _checked(_load(data))


def load_frames(data: bytes) -> list[tuple[str, pd.DataFrame]]:
    """Return a pickled dict or list of DataFrames, by key or index; any error if it is none."""
    value = _load(data)
    if type(value) is dict:
        return [(str(key), _checked(frame)) for key, frame in value.items()]
    if type(value) is list:
        return [(str(index), _checked(frame)) for index, frame in enumerate(value)]
    raise TypeError(f"a {type(value).__name__} is no dict or list of frames")


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame just as W&B's own decorator does: the same bytes."""
    import pandas as pd  # noqa: PLC0415

    with path.open("wb") as file:
        # Not `frame.to_parquet`: a pickle may have given the frame an attribute of that name.
        pd.DataFrame.to_parquet(frame, file, engine="pyarrow")


def _load(data: bytes) -> Any:
    return pickles.loads(data, FRAMES, makers=FRAME_MAKERS)


def _checked(value: Any) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    if type(value) is not pd.DataFrame:
        raise TypeError(f"a {type(value).__name__} is no DataFrame")
    for codes, count in _codes(value):
        if len(codes) and (codes.min() < -1 or codes.max() >= count):
            raise ValueError("a category that there is not")
    return value


def _codes(frame: pd.DataFrame) -> Iterator[tuple[np.ndarray[Any, Any], int]]:
    """Yield codes and how many there can be; pandas trusts them when it reads memory."""
    import pandas as pd  # noqa: PLC0415

    for place, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, pd.CategoricalDtype):
            column = frame.iloc[:, place].cat
            yield column.codes.to_numpy(), len(column.categories)
    for axis in frame.axes:
        if isinstance(axis, pd.MultiIndex):
            yield from (
                (codes, len(level)) for codes, level in zip(axis.codes, axis.levels, strict=True)
            )
        elif isinstance(axis, pd.CategoricalIndex):
            yield axis.codes, len(axis.categories)
