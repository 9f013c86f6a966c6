"""Plain arrays -> `.npy` files, by this process: their pickles are recognized, and not loaded."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

from mfwb.conversion.charts import FEW, write_chart
from mfwb.pickles import PlainArray, find_plain_array

__all__ = ["LARGEST", "convert_plain_array"]

LARGEST = 10_000_000
"""Bytes of a pickle that is read into the memory of this process."""

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64
_ROOM = 21
"""Digits of the first length, as numpy leaves for them so that a file can grow."""


def convert_plain_array(data: bytes, target: Path, chart: Path | None) -> bool:
    """Write what `Conversion.ARRAY` makes of a pickle; False if it takes a process of its own.

    Args:
        data: the pickle.
        target: the `.npy` file to write.
        chart: the file to write the chart to; None: it is not wanted.

    Raises:
        OSError: a file can't be written.
    """
    array = find_plain_array(data)
    if array is None or not array.shape or (chart is not None and array.size > FEW):
        return False
    with target.open("wb") as file:
        file.write(_header(array))
        file.write(array.data)
    if chart is not None:
        with suppress(ValueError):  # a failed preview must not cost the array
            write_chart(array, chart)
    return True


def _header(array: PlainArray) -> bytes:
    """Return what `numpy.save` writes before the numbers; numpy documents the format."""
    code = f"{array.dtype.order}{array.dtype.code}"
    text = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {array.shape!r}, }}"
    text += " " * (_ROOM - len(str(array.shape[0])))
    size = len(_MAGIC) + 2 + len(text) + 1
    text += " " * (_ALIGNMENT - size % _ALIGNMENT) + "\n"
    return _MAGIC + struct.pack("<H", len(text)) + text.encode("ascii")
