"""Errors of the machine: it lacks or forbids something, and mfwb is not at fault."""

from __future__ import annotations

import errno

__all__ = ["describe_shortage", "root_cause"]

_LACKING = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EAGAIN", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENODEV", "ENOLCK"),
        *("ENOMEM", "ENOSPC", "ENXIO", "EPERM", "EROFS", "ESTALE"),
        # Paths of the user that are not as they must be, and what the system lacks.
        *("EBUSY", "EISDIR", "ELOOP", "ENAMETOOLONG", "ENOBUFS", "ENOSYS", "ENOTCONN", "ENOTDIR"),
        *("EOPNOTSUPP", "EREMOTEIO", "ETXTBSY", "EUSERS"),
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


_DESCRIBED = {
    "BadStatusLine": "it does not speak HTTP; does it want https://?",
    "RemoteDisconnected": "it closed the connection",
    "InvalidURL": "its address is not valid",
    "InvalidHeader": "a header, such as that of a key, is not valid",
    "MissingSchema": "its address has no http:// or https://",
    "TooManyRedirects": "it redirects in a circle",
}
"""By classes of errors: their own texts are long, and may have values that are secret."""


def root_cause(error: BaseException) -> str:
    """Return what is below the errors of an HTTP client, for example "Connection refused"."""
    seen: BaseException | None = error
    last = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        candidates = (getattr(seen, "reason", None), *seen.args)
        inner = next((part for part in candidates if isinstance(part, BaseException)), None)
        last, seen = seen, inner or seen.__cause__ or seen.__context__
    names = (type(last).__name__, type(error).__name__)
    return next((_DESCRIBED[name] for name in names if name in _DESCRIBED), names[1])
