"""Memory: whether there is enough of it to begin."""

from __future__ import annotations

import mmap

__all__ = ["require_memory"]

_ROOM = 64 << 20  # bytes: for the first threads and imports; every command uses more in the end


def require_memory() -> None:
    """Ask for memory, and give it back untouched.

    Where memory is that short, a new thread may end before its first line, and `Thread.start`
    then waits for it without end.

    Raises:
        MemoryError: there is too little.
    """
    try:
        mmap.mmap(-1, _ROOM, access=mmap.ACCESS_COPY).close()  # private, as what threads use
    except OSError as error:
        raise MemoryError from error
