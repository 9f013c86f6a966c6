"""Private files and folders: made for their user only, and removed without following links.

Other users may write to the parent folder (the one for temporary files, a bundle, a state folder
that a team shares), and put links there under names that mfwb is about to use. So folders are
opened one after the other, each relative to the one before, and never through a link.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, suppress
from pathlib import Path, PurePath
from typing import BinaryIO
from uuid import uuid4

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "create",
    "file_mode_in",
    "is_shared",
    "make_folder",
    "make_folders",
    "make_private",
    "open_folder",
    "overwrite",
    "remove_at",
    "remove_below",
    "remove_own",
]

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | _CLOSE_ON_EXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _CLOSE_ON_EXEC


def make_folder(path: Path) -> None:
    """Make a folder that only its user may enter, and its missing parents.

    An existing folder keeps its permissions: its owner may share it on purpose. In a folder that a
    group shares, the new folder is shared with the group, too.
    """
    if not path.parent.exists():
        make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=FOLDER_MODE)
        if is_shared(path.parent):
            _share(path)


def _share(path: Path) -> None:
    """Give the group access to a folder; OSError if somebody has replaced it by a link."""
    folder = open_folder(path)
    try:
        status = os.fstat(folder)
        if status.st_uid == os.geteuid():
            os.fchmod(folder, stat.S_IMODE(status.st_mode) | stat.S_IRWXG)  # set-group-id stays
    finally:
        os.close(folder)


def make_folders(root: Path, *names: str) -> Path:
    """Return a folder below an existing root; missing folders are made private.

    Raises:
        OSError: one of the names is a link or not a folder.
    """
    path = root
    for name in names:
        path /= name
        try:
            os.mkdir(path, FOLDER_MODE)  # noqa: PTH102 - speed: most exist already
        except FileExistsError:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                raise NotADirectoryError(
                    f"{path} is a link, where a folder of mfwb's own should be"
                ) from None
            if not stat.S_ISDIR(mode):
                raise
    return path


def create(path: Path, mode: int = FILE_MODE) -> BinaryIO:
    """Open a new file for writing; FileExistsError if the path exists, even as a link."""
    descriptor = os.open(path, _NEW, mode)
    os.fchmod(descriptor, mode)  # whatever the umask
    return os.fdopen(descriptor, "wb")


def overwrite(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Write or replace a file in one step; a link is replaced, not followed."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        unfinished.unlink()  # left by a killed process with the same id
    with create(unfinished, mode) as file:
        file.write(data)
    unfinished.replace(path)


def make_private(path: Path) -> None:
    """Remove all permissions of other users for a file, or for a folder with its content."""
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        _make_folder_private(os.fspath(path))
    elif stat.S_ISREG(mode):
        path.chmod(FILE_MODE)


def _make_folder_private(folder: str) -> None:
    os.chmod(folder, FOLDER_MODE)  # noqa: PTH101 - texts: paths as objects take most of the time
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _make_folder_private(entry.path)
            elif entry.is_file(follow_symlinks=False):
                os.chmod(entry.path, FILE_MODE)  # noqa: PTH101


def file_mode_in(folder: Path) -> int:
    """Return the permissions of a new file to which all users of a folder have to write.

    If the group may write to the folder, its user shares it on purpose.
    """
    return 0o660 if is_shared(folder) else FILE_MODE


def is_shared(folder: Path) -> bool:
    """Whether the group may write to a folder without the sticky bit."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWGRP) and not mode & stat.S_ISVTX


def open_folder(name: str | Path, *, within: int | None = None) -> int:
    """Return the descriptor of a folder; OSError if it is a link or not a folder."""
    return os.open(name, _FOLDER, dir_fd=within)


def remove_below(root: Path, path: str | PurePath) -> None:
    """Remove the file or folder at a path below a root, if it exists.

    No link is followed: a link itself is removed, and its target stays.

    Args:
        root: a folder; it may be a link itself.
        path: relative to it.

    Raises:
        OSError: a parent folder is a link, or the path can't be removed.
    """
    *folders, name = PurePath(path).parts
    if PurePath(path).is_absolute() or ".." in (*folders, name):
        raise OSError(f"{path!s} is not below {root}")
    with ExitStack() as stack, suppress(FileNotFoundError):
        within = os.open(root, os.O_RDONLY | os.O_DIRECTORY | _CLOSE_ON_EXEC)
        stack.callback(os.close, within)
        for folder in folders:
            within = open_folder(folder, within=within)
            stack.callback(os.close, within)
        remove_at(within, name)


def remove_own(path: Path) -> None:
    """Remove a file or folder of mfwb's own, if it exists; a link itself is removed.

    Its parent is a folder that nobody else can replace. Most paths are files or do not exist, and
    to open no folder for these takes a tenth of the time.
    """
    with suppress(FileNotFoundError):
        try:
            path.unlink()
        except (IsADirectoryError, PermissionError):  # what a folder causes differs by system
            remove_below(path.parent, path.name)


def remove_at(folder: int, name: str) -> None:
    """Remove a file or folder by name in an open folder, as `remove_below` does."""
    with suppress(FileNotFoundError):
        if not _is_folder(name, folder):
            os.unlink(name, dir_fd=folder)
            return
        root = open_folder(name, within=folder)
        try:
            _empty(root)
        finally:
            os.close(root)
        os.rmdir(name, dir_fd=folder)


def _empty(root: int) -> None:
    """Remove the content of a folder, of any depth.

    Nested folders are moved up before they are emptied: descending takes a level of the stack and
    an open file for each level, and somebody may have made ten thousand levels.
    """
    pending = _remove_files(root)
    while pending:
        name = pending.pop()
        inner = open_folder(name, within=root)
        try:
            for entry in _remove_files(inner):
                moved = f".{uuid4().hex}"
                os.rename(entry, moved, src_dir_fd=inner, dst_dir_fd=root)
                pending.append(moved)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=root)


def _remove_files(folder: int) -> list[str]:
    """Remove files and empty folders in a folder, and return the names of the other folders."""
    remaining = []
    for entry in os.listdir(folder):
        if not _is_folder(entry, folder):
            os.unlink(entry, dir_fd=folder)
            continue
        try:
            os.rmdir(entry, dir_fd=folder)
        except OSError:
            remaining.append(entry)
    return remaining


def _is_folder(name: str, within: int) -> bool:
    return stat.S_ISDIR(os.lstat(name, dir_fd=within).st_mode)
