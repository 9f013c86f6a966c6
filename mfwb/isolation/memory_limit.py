"""How much memory the process that converts may take."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["ENVIRONMENT", "cap_memory", "give_back_memory"]

ENVIRONMENT = {
    # pyarrow's own allocator reserves a gigabyte at once, which would count as memory.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # A frame is read, rehearsed and loaded: each in the memory that the one before gave back,
    # where glibc would ask the system for new pages every time (a fifth of all the time).
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    # A process with threads can't be copied.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # numpy sets these while it is imported, and a process that inspects pickles may set nothing.
    "OPENBLAS_MAIN_FREE": "1",
    "GOTOBLAS_MAIN_FREE": "1",  # numpy 1
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What the process has to be started with."""

_THREAD = 8 * 2**20  # bytes of stack that a thread reserves; pyarrow starts one per core, and some
_OTHER_THREADS = 8
_STATUS = Path("/proc/self/status")


def cap_memory(size: int, *, threads: int | None = None) -> None:
    """Let this process take so many bytes more than it has by now; then comes a MemoryError.

    Args:
        size: bytes.
        threads: that there are going to be, if not those of pyarrow.

    Linux alone holds a process to it. It limits private memory rather than the address space, of
    which libraries reserve gigabytes that they never touch.
    """
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - not every system has it

    if threads is None:
        threads = (os.cpu_count() or 1) + _OTHER_THREADS
    limit = _taken() + threads * _THREAD + size
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def give_back_memory() -> None:
    """Return to the system what this process keeps for later, as `ENVIRONMENT` has it do."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """Return the function that gives memory back; None if there is none: it is of glibc alone."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


def _taken() -> int:
    """Return the bytes of private memory that this process has."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
