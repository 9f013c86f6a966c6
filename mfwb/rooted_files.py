"""Files below a folder to which strangers may write: opened only if they are files, and lie there.

A name in a datastore, a bundle or a folder of Metaflow's may be a link to any file of this machine,
a pipe whose reader waits for ever, or a device without an end. So a path is resolved first, links
and `..` included, has to lie below the root then, and has to be a regular file. Opening never
waits. All errors are OSErrors, as of any file that can't be read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath
from typing import BinaryIO

__all__ = ["NotAFileError", "OutsideRootError", "open_below", "read_below", "resolve_below"]

_UNBLOCKED = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_CAN_DESCEND = os.open in os.supports_dir_fd  # not on Windows


class OutsideRootError(OSError):
    """A path leads out of the folder it has to stay in."""


class NotAFileError(OSError):
    """At a path there is a folder, a pipe, a device or a socket in place of a file."""


def resolve_below(root: Path, path: str | PurePath) -> Path:
    """Return where a path leads, all links followed; nothing has to be there.

    Args:
        root: the folder it has to stay in; it may be a link itself.
        path: relative to the root, or absolute.

    Raises:
        OutsideRootError: it leads out of the root.
        OSError: it can't be followed: a loop of links, no permission, a name that is too long.
    """
    return _resolved(root, path)[1]


def open_below(root: Path, path: str | PurePath) -> BinaryIO:
    """Return a file below a root, opened for reading.

    Raises:
        FileNotFoundError: there is none.
        OutsideRootError: it leads out of the root.
        NotAFileError: it is no regular file.
        OSError: it can't be read.
    """
    descriptor = _open_without_links(*_resolved(root, path))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{path!s} in {root} is no file")
    return os.fdopen(descriptor, "rb")


def _resolved(root: Path, path: str | PurePath) -> tuple[Path, Path]:
    """Return a root and a path below it, both without links; errors as of `resolve_below`."""
    try:
        real_root = root.resolve()
        resolved = (root / path).resolve()
    except (RuntimeError, ValueError) as error:  # a loop, before Python 3.13; a NUL in the name
        raise OSError(f"{path!s} can't be followed: {error}") from None
    if not resolved.is_relative_to(real_root):
        raise OutsideRootError(f"{path!s} leads out of {root}")
    return real_root, resolved


def _open_without_links(real_root: Path, resolved: Path) -> int:
    """Return a descriptor of a path that was resolved.

    Whoever may write there could put a link in the place of any part of it meanwhile. So each
    folder below the root is opened in the one above it, and a link is an error by now.
    """
    flags = os.O_RDONLY | _NO_LINK | _UNBLOCKED
    *folders, name = resolved.relative_to(real_root).parts or (".",)
    if not _CAN_DESCEND or not folders:
        return os.open(resolved, flags)
    folder = os.open(real_root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def read_below(root: Path, path: str | PurePath, *, most: int) -> bytes:
    """Return the bytes of a file below a root; errors as of `open_below`.

    Args:
        root: the folder it has to stay in.
        path: relative to the root, or absolute.
        most: bytes that it may have; OSError if it has more.
    """
    with open_below(root, path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path!s} in {root} has more than {most:,} bytes")
    return data
