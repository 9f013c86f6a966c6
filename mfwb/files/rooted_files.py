"""Safe opening of files below a folder to which strangers may write.

A name in a datastore, a bundle or a `.metaflow` folder may be a link to any file of this machine,
a pipe whose reader waits for ever, or a device without an end. So the path, with links and `..`
followed, has to lie below the root and to be a regular file. Opening never waits, and opens
nothing else, not even for a moment. All errors are OSErrors, as for any file that can't be read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

__all__ = [
    "NotAFileError",
    "OutsideRootError",
    "is_plain_path",
    "open_below",
    "open_without_links",
    "read_all_in",
    "read_below",
    "read_start_below",
    "resolve_below",
]

_UNBLOCKED = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_HANDLES = "/proc/self/fd"
_PATH_ONLY = getattr(os, "O_PATH", 0) if os.path.isdir(_HANDLES) else 0  # noqa: PTH112 - no Path yet


class OutsideRootError(OSError):
    """A path leads out of its root folder."""


class NotAFileError(OSError):
    """A path is a folder, a pipe, a device or a socket, and not a file."""


def resolve_below(root: Path, path: str | PurePath, *, linked_folders: Sequence[Path] = ()) -> Path:
    """Return a path with all links followed; the file may be missing.

    Args:
        root: the folder in which it has to lie; it may be a link itself.
        path: relative to the root, or absolute.
        linked_folders: other folders into which links may lead.

    Raises:
        OutsideRootError: it leads out of the root.
        OSError: it can't be followed: a loop of links, no permission, a name that is too long.
    """
    try:
        real_roots = [folder.resolve() for folder in (root, *linked_folders)]
        resolved = (root / path).resolve()
    except (RuntimeError, ValueError) as error:  # a loop, before Python 3.13; a NUL in the name
        raise OSError(f"{path!s} can't be followed: {error}") from None
    if not any(resolved.is_relative_to(folder) for folder in real_roots):
        raise OutsideRootError(f"{path!s} leads out of {root}, to {resolved}")
    return resolved


def open_below(
    root: Path, path: str | PurePath, *, linked_folders: Sequence[Path] = ()
) -> BinaryIO:
    """Open a file below a root for reading.

    Args:
        root: the folder in which it has to lie; it may be a link itself.
        path: relative to the root, or absolute.
        linked_folders: other folders into which links may lead.

    Raises:
        FileNotFoundError: it does not exist.
        OutsideRootError: it leads out of the root.
        NotAFileError: it is not a regular file.
        OSError: it can't be read.
    """
    return os.fdopen(_open(root, path, linked_folders), "rb")


def read_below(
    root: Path, path: str | PurePath, *, max_bytes: int, linked_folders: Sequence[Path] = ()
) -> bytes:
    """Return the bytes of a file below a root; errors as of `open_below`.

    Args:
        root: the folder in which it has to lie.
        path: relative to the root, or absolute.
        max_bytes: largest allowed number of bytes; OSError if it has more.
        linked_folders: other folders into which links may lead.
    """
    data = read_start_below(root, path, max_bytes + 1, linked_folders=linked_folders)
    if len(data) > max_bytes:
        raise OSError(f"{path!s} in {root} has more than {max_bytes:,} bytes")
    return data


def read_start_below(
    root: Path, path: str | PurePath, size: int, *, linked_folders: Sequence[Path] = ()
) -> bytes:
    """Return the first bytes of a file below a root, at most `size`; errors as of `open_below`.

    Args:
        root: the folder in which it has to lie.
        path: relative to the root, or absolute.
        size: largest number of bytes of the result.
        linked_folders: other folders into which links may lead.
    """
    descriptor = _open(root, path, linked_folders)
    try:
        return _read_up_to(descriptor, size)
    finally:
        os.close(descriptor)


def read_all_in(
    root: Path,
    folder: str,
    is_wanted: Callable[[str], bool],
    *,
    max_bytes: int,
    linked_folders: Sequence[Path] = (),
) -> Iterator[bytes]:
    """Yield the bytes of files of a folder below a root, in the order of `os.listdir`.

    The folder is checked once and stays open, so that its files need no check of their paths.

    Args:
        root: the folder in which it has to lie.
        folder: relative to the root.
        is_wanted: whether a file of that name is read.
        max_bytes: largest allowed number of bytes of a file.
        linked_folders: other folders into which links may lead.

    Raises:
        NotAFileError: one of the files is a link, a folder, a pipe or a device.
        OSError: the folder or a file can't be read, it leads out of the root, or is too large; or
            the system can't open files of an open folder.
    """
    if not _PATH_ONLY:
        raise OSError("this system has no handles of paths")
    opened = os.open(os.path.join(root, folder), os.O_RDONLY | os.O_DIRECTORY | _UNBLOCKED)  # noqa: PTH118 - speed
    try:
        if not _lies_below(os.readlink(f"{_HANDLES}/{opened}"), root, linked_folders):  # noqa: PTH115 - speed
            raise OutsideRootError(f"{folder} leads out of {root}")
        with os.scandir(opened) as entries:
            wanted = [entry for entry in entries if is_wanted(entry.name)]
        # All kinds are known before the first is opened: to open a pipe may wake up its writer.
        for entry in wanted:
            if not entry.is_file(follow_symlinks=False):
                raise NotAFileError(f"{folder}/{entry.name} in {root} is not a file")
        for entry in wanted:
            yield _read_regular(opened, entry.name, max_bytes)
    finally:
        os.close(opened)


def _read_regular(folder: int, name: str, max_bytes: int) -> bytes:
    """Return the bytes of a file in an open folder; a link that replaced it is not followed."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | _UNBLOCKED, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(f"{name} is not a file")
        data = os.read(descriptor, max_bytes + 1)
        if len(data) != status.st_size:  # it is being written, or the system returned a part
            data += _read_up_to(descriptor, max_bytes + 1 - len(data))
    finally:
        os.close(descriptor)
    if len(data) > max_bytes:
        raise OSError(f"{name} has more than {max_bytes:,} bytes")
    return data


def _read_up_to(descriptor: int, size: int) -> bytes:
    """Return the next bytes of a file, at most `size`; fewer only at its end."""
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def open_without_links(root: Path, name: str) -> BinaryIO:
    """Open a file below a root for reading, at a path that has no link below the root.

    Args:
        root: the folder in which it has to lie; it may be a link itself.
        name: a plain path, relative to the root.

    Raises:
        OutsideRootError: the path has a link.
        OSError: as in `open_below`.
    """
    try:
        file = open_below(root, name)
    except OSError:
        _assert_no_link(root, name)  # a link is what is wrong, wherever it leads
        raise
    try:
        if not _has_path(file, f"{_real(str(root))}{name}"):
            _assert_no_link(root, name)
    except BaseException:
        file.close()
        raise
    return file


def _has_path(file: BinaryIO, path: str) -> bool:
    """Return whether an open file is known to have this path, without links; only Linux knows."""
    return bool(_PATH_ONLY) and os.readlink(f"{_HANDLES}/{file.fileno()}") == path  # noqa: PTH115 - speed


def _assert_no_link(root: Path, name: str) -> None:
    if resolve_below(root, name) != root.resolve() / name:
        raise OutsideRootError(f"{name} is a link, or behind one")


def _open(root: Path, path: str | PurePath, linked_folders: Sequence[Path]) -> int:
    return (
        _open_by_handle(root, path, linked_folders)
        if _PATH_ONLY
        else _open_resolved(root, path, linked_folders)
    )


def _open_by_handle(root: Path, path: str | PurePath, linked_folders: Sequence[Path]) -> int:
    """Get a handle of the path, check the handle, and open exactly that file for reading.

    Only Linux can do this. It takes a fifth of the time of following each part of the path, and
    nobody can replace the file between check and opening.
    """
    try:
        handle = os.open(os.path.join(root, path), _PATH_ONLY | _UNBLOCKED)  # noqa: PTH118 - speed
    except ValueError as error:  # a NUL in the name
        raise OSError(f"{path!s} can't be followed: {error}") from None
    try:
        handle_path = f"{_HANDLES}/{handle}"
        status = os.fstat(handle)
        if not _lies_below(os.readlink(handle_path), root, linked_folders):  # noqa: PTH115 - speed
            # The same folders may have other paths, as in a container; else it leads out.
            resolved = resolve_below(root, path, linked_folders=linked_folders).stat()
            if (resolved.st_dev, resolved.st_ino) != (status.st_dev, status.st_ino):
                raise OutsideRootError(f"{path!s} leads out of {root}")
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(f"{path!s} in {root} is not a file")
        return os.open(handle_path, os.O_RDONLY | _UNBLOCKED)
    finally:
        os.close(handle)


def _lies_below(handle_path: str, root: Path, linked_folders: Sequence[Path]) -> bool:
    return handle_path.startswith(_real(str(root))) or any(
        handle_path.startswith(_real(str(folder))) for folder in linked_folders
    )


@lru_cache(maxsize=64)
def _real(root: str) -> str:
    """Return the prefix of all real paths below a root. If it moved, `resolve_below` decides."""
    real = os.path.realpath(root)
    return real if real.endswith("/") else f"{real}/"


def _open_resolved(root: Path, path: str | PurePath, linked_folders: Sequence[Path]) -> int:
    resolved = resolve_below(root, path, linked_folders=linked_folders)
    # If somebody replaces it by a link meanwhile, the link is not followed.
    descriptor = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | _UNBLOCKED)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{path!s} in {root} is not a file")
    return descriptor


def is_plain_path(name: str) -> bool:
    """Whether a path is valid, relative and normalized, without `..`."""
    path = PurePosixPath(name)
    is_normalized = name == path.as_posix() and name not in ("", ".")
    return is_normalized and not path.is_absolute() and ".." not in path.parts and "\0" not in name
