"""Errors of the machine: it lacks or forbids something, and mfwb is not at fault."""

from __future__ import annotations

import errno

__all__ = ["describe_shortage"]

_LACKING = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EAGAIN", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENODEV", "ENOLCK"),
        *("ENOMEM", "ENOSPC", "ENXIO", "EPERM", "EROFS", "ESTALE"),
    )
    if hasattr(errno, name)
)
_NO_THREAD = "can't start new thread"  # the text of a RuntimeError that has no class of its own

_NO_ROOM_FOR_CODE = ("failed to map segment", "annot allocate memory")
"""Messages of the loader of shared libraries, which packages wrap into their own messages."""


def describe_shortage(error: BaseException) -> str | None:
    """Return what the machine lacks according to an error; None for any other error."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, ImportError) and any(text in str(error) for text in _NO_ROOM_FOR_CODE):
        return "there is not enough memory"
    if isinstance(error, RuntimeError) and str(error).startswith(_NO_THREAD):
        return "the machine does not let it start more threads"
    if isinstance(error, OSError) and error.errno in _LACKING:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    return None
