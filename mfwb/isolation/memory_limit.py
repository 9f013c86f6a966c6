"""Memory limit of the processes that load pickles."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["ENVIRONMENT", "cap_memory", "release_memory"]

ENVIRONMENT = {
    # pyarrow's own allocator reserves a gigabyte at once, which would count as memory.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # A frame is read, checked by the preflight, and loaded. Each phase reuses the memory that the
    # one before has freed; glibc would ask the system for new pages every time (a fifth of all
    # the time).
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    # A process with threads can't be forked.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # numpy sets these while it is imported, and a process that inspects pickles may set nothing.
    "OPENBLAS_MAIN_FREE": "1",
    "GOTOBLAS_MAIN_FREE": "1",  # numpy 1
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Environment variables that the process must be started with."""

_THREAD_STACK = 8 * 2**20  # bytes of stack per thread; pyarrow starts one per core and a few others
_OTHER_THREADS = 8
_STATUS = Path("/proc/self/status")


def cap_memory(size: int, *, threads: int | None = None) -> None:
    """Let this process take `size` more bytes; beyond that, allocation raises MemoryError.

    Args:
        size: bytes in addition to what the process has now.
        threads: the number of threads to expect; None for those that pyarrow starts.

    Only Linux enforces this limit. It limits private memory rather than the address space, of
    which libraries reserve gigabytes that they never touch.
    """
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - some systems do not have this module

    if threads is None:
        threads = (os.cpu_count() or 1) + _OTHER_THREADS
    limit = _read_used_memory() + threads * _THREAD_STACK + size
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def release_memory() -> None:
    """Return freed memory to the system, which `ENVIRONMENT` makes this process keep."""
    trim = _find_malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _find_malloc_trim() -> Any:
    """Return glibc's `malloc_trim`, which releases memory; None with another C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


def _read_used_memory() -> int:
    """Return the number of bytes of private memory of this process."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
