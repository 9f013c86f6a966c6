"""Plain arrays -> `.npy` files, by this process: their pickles are recognized, and not loaded."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from mfwb.conversion.charts import FEW, write_chart
from mfwb.pickles import PlainArray, find_plain_array

if TYPE_CHECKING:
    from mfwb.conversion.convert import Job

__all__ = ["LARGEST", "convert_plain_array"]

LARGEST = 10_000_000
"""Bytes of a pickle that is read into the memory of this process."""

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64
_ROOM = 21
"""Digits of the first length, as numpy leaves for them so that a file can grow."""


def convert_plain_array(job: Job) -> bool:
    """Do the job of `Conversion.ARRAY` and return True; False if that takes a process of its own.

    OSError if the file can't be read or the others can't be written.
    """
    if job.source.stat().st_size > LARGEST:
        return False
    array = find_plain_array(job.source.read_bytes())
    if array is None or not array.shape or (job.rows is not None and array.size > FEW):
        return False
    with job.target.open("wb") as file:
        file.write(_header(array))
        file.write(array.data)
    if job.rows is not None:
        with suppress(ValueError):  # a failed preview must not cost the array
            write_chart(array, job.rows)
    return True


def _header(array: PlainArray) -> bytes:
    """Return what `numpy.save` writes before the numbers; numpy documents the format."""
    code = f"{array.dtype.order}{array.dtype.code}"
    text = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {array.shape!r}, }}"
    text += " " * (_ROOM - len(str(array.shape[0])))
    size = len(_MAGIC) + 2 + len(text) + 1
    text += " " * (_ALIGNMENT - size % _ALIGNMENT) + "\n"
    return _MAGIC + struct.pack("<H", len(text)) + text.encode("ascii")
