"""Program of the process that compares files of W&B with the pickles that they were made of.

The process has only the rights that reading needs: it trusts neither a pickle nor a file.
"""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

from mfwb import pickles
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.pickles.allowlist import ARRAYS, BARE, FRAME_MAKERS, FRAMES, PATHS, PLAIN, ZONES
from mfwb.verification.expected.child_process import answer_requests
from mfwb.verification.expected.wording import matches, put

__all__ = ["compare", "preload", "preload_more", "run_worker"]

SAME, DIFFERENT = "same", "different"


def compare(shape: str, key: str, pickled: bytes, file: bytes) -> str:
    """Return `same` or `different`; else the reason why that can't be decided.

    Args:
        shape: `parquet`, `tables`, `npy`, `json` or `media`.
        key: for tables, the name of the file without its ending: one of a dict or list.
        pickled: what Metaflow stored.
        file: what W&B has.
    """
    try:
        is_same = _COMPARISONS[shape](key, pickled, file)
    except MemoryError:
        return "there is not enough memory to compare it"
    except _UndecidedError as error:
        return str(error)
    except pickles.ForbiddenName as error:
        return str(error)
    except Exception:  # noqa: BLE001 - a damaged file or pickle can raise anything
        return DIFFERENT
    return SAME if is_same else DIFFERENT


class _UndecidedError(Exception):
    """It can't be compared; the text is the reason."""


def _json(_key: str, pickled: bytes, file: bytes) -> bool:
    value = pickles.loads(pickled, {**PLAIN, **PATHS, **ZONES})
    return matches(put(value), put(json.loads(file)))


def _media(_key: str, pickled: bytes, file: bytes) -> bool:
    value = pickles.loads(pickled, PLAIN)
    return bool((value.encode() if isinstance(value, str) else value) == file)


def _npy(_key: str, pickled: bytes, file: bytes) -> bool:
    import numpy as np  # noqa: PLC0415 - this process starts without it

    array = pickles.loads(pickled, ARRAYS)
    read = np.load(io.BytesIO(file), allow_pickle=False)
    return bool(
        read.dtype == array.dtype
        and read.shape == array.shape
        and read.tobytes() == array.tobytes()
    )


def _parquet(_key: str, pickled: bytes, file: bytes) -> bool:
    return _is_same_table(pickles.loads(pickled, FRAMES, makers=FRAME_MAKERS, bare=BARE), file)


def _tables(key: str, pickled: bytes, file: bytes) -> bool:
    tables = pickles.loads(pickled, FRAMES, makers=FRAME_MAKERS, bare=BARE)
    pairs = tables.items() if isinstance(tables, dict) else enumerate(tables)
    table = next((table for name, table in pairs if str(name) == key), None)
    if table is None:
        raise _UndecidedError("the name of the file is none of the names of its tables")
    return _is_same_table(table, file)


def _is_same_table(table: Any, file: bytes) -> bool:
    import pandas as pd  # noqa: PLC0415 - this process starts without it

    read = pd.read_parquet(io.BytesIO(file))
    if isinstance(table, (pd.Series, pd.Index)):
        table = table.to_frame()
    if not isinstance(table, pd.DataFrame):
        raise _UndecidedError(f"a {type(table).__name__} is not compared")
    try:
        pd.testing.assert_frame_equal(table, read, check_exact=True, check_column_type=False)
    except AssertionError:
        return [*map(str, table.columns)] == [*map(str, read.columns)] and _is_same_loosely(
            table, read
        )
    return True


def _is_same_loosely(table: Any, read: Any) -> bool:
    """Whether the cells are equal, though parquet has other types for some of them."""
    if len(table) != len(read):
        return False
    return all(
        repr(list(table.iloc[:, column])) == repr(list(read.iloc[:, column]))
        for column in range(table.shape[1])
    )


_COMPARISONS = {
    "json": _json,
    "media": _media,
    "npy": _npy,
    "parquet": _parquet,
    "tables": _tables,
}


def preload(*, trusted: bool) -> None:  # noqa: ARG001 - nothing is trusted here
    """Import pandas, and fill the cache of readable paths, which is slow."""
    with suppress(ImportError):
        import pandas as pd  # noqa: F401, PLC0415 - in this process alone
        import pyarrow.parquet  # noqa: F401, PLC0415 - the same
    list_readable_paths()


def preload_more() -> None:
    """Import no more."""


def run_worker(max_memory: int, folder: str, *, trusted: bool) -> None:  # noqa: ARG001 - as all programs
    """Answer requests until there are no more.

    Args:
        max_memory: bytes of memory that this process may take for them.
        folder: not used: this process may write nowhere.
        trusted: not used: no pickle is trusted here.
    """
    answer_requests(
        max_memory,
        lambda question, blobs: compare(question["shape"], question["key"], blobs[0], blobs[1]),
    )
