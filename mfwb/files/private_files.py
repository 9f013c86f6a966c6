"""Files and folders of our own: made for their user alone, and removed without following a link.

Others may write to the folder that ours lie in (the one for temporary files, a bundle, a state
folder that a team shares), and put links there under names that we are about to use. So folders are
opened one after the other, each relative to the one before, and none through a link.
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
]

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | _CLOSE_ON_EXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _CLOSE_ON_EXEC


def make_folder(path: Path) -> None:
    """Make a folder that only its user may enter, and those above it.

    One that is there keeps its rights: who made it beforehand, or has widened them, may want to
    share it. In one that a group shares, a new one is the group's.
    """
    if not path.parent.exists():
        make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=FOLDER_MODE)
        if is_shared(path.parent):
            _share(path)


def _share(path: Path) -> None:
    """Let the group into a folder; if one of them has put a link in its place, OSError."""
    folder = open_folder(path)
    try:
        status = os.fstat(folder)
        if status.st_uid == os.geteuid():
            os.fchmod(folder, stat.S_IMODE(status.st_mode) | stat.S_IRWXG)  # set-group-id stays
    finally:
        os.close(folder)


def make_folders(root: Path, *names: str) -> Path:
    """Return a folder some levels below a root that is there; what is missing is made private.

    Raises:
        OSError: at one of the names there is a link, or no folder.
    """
    path = root
    for name in names:
        path /= name
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        if path.is_symlink():
            raise NotADirectoryError(f"{path} is a link, where a folder of mfwb's own should be")
    return path


def create(path: Path, mode: int = FILE_MODE) -> BinaryIO:
    """Return a new file, opened for writing; FileExistsError if anything is there, even a link."""
    descriptor = os.open(path, _NEW, mode)
    os.fchmod(descriptor, mode)  # whatever the umask
    return os.fdopen(descriptor, "wb")


def overwrite(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Put a file in the place of what is there, in one step; a link is replaced, not followed."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        unfinished.unlink()  # of a process of that number that was killed
    with create(unfinished, mode) as file:
        file.write(data)
    unfinished.replace(path)


def make_private(path: Path) -> None:
    """Take a file or folder of ours, and all in it, away from everybody else."""
    if path.is_dir() and not path.is_symlink():
        path.chmod(FOLDER_MODE)
        for entry in path.iterdir():
            make_private(entry)
    elif path.is_file() and not path.is_symlink():
        path.chmod(FILE_MODE)


def file_mode_in(folder: Path) -> int:
    """Return the rights of a new file that everybody who works in a folder has to write to.

    Where the group may write to the folder, its user shares it on purpose.
    """
    return 0o660 if is_shared(folder) else FILE_MODE


def is_shared(folder: Path) -> bool:
    """Whether the group may write to a folder, but for one in which each owns what is theirs."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWGRP) and not mode & stat.S_ISVTX


def open_folder(name: str | Path, *, within: int | None = None) -> int:
    """Return the descriptor of a folder that is no link; OSError if it is one, or none."""
    return os.open(name, _FOLDER, dir_fd=within)


def remove_below(root: Path, path: str | PurePath) -> None:
    """Remove what lies at a path below a root; nothing has to be there.

    No link is followed on the way, and none below: a link is removed, and what it leads to stays.

    Args:
        root: a folder; it may be a link itself.
        path: relative to it.

    Raises:
        OSError: a part of the way is a link, or it can't be removed.
    """
    *folders, name = PurePath(path).parts
    if PurePath(path).is_absolute() or ".." in (*folders, name):
        raise OSError(f"{path!s} is not below {root}")
    with ExitStack() as stack, suppress(FileNotFoundError):
        within = open_folder(root.resolve())
        stack.callback(os.close, within)
        for folder in folders:
            within = open_folder(folder, within=within)
            stack.callback(os.close, within)
        remove_at(within, name)


def remove_at(folder: int, name: str) -> None:
    """Remove what is called so in a folder that is open, as `remove_below` does."""
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
    """Remove all that is in a folder; how deep that is makes no difference.

    Folders in folders are moved up before they are looked into: to go down to them takes a level
    of the stack and an open file each, and somebody may have made ten thousand.
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
    """Return the folders in a folder that are not empty; all else in it is removed."""
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
