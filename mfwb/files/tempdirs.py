"""Temporary folders. If their process is killed, the next process removes them.

Anybody may write to the parent folder, and use names like those of mfwb. So only a folder (not a
link to one) that belongs to this user and is closed to all others counts as one of mfwb's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mfwb.files.private_files import open_folder, remove_at

__all__ = [
    "make_scratch",
    "remove_all",
    "scratch",
    "sweep",
    "temporary_files_in_scratch",
    "users_temporary_folder",
]

_PREFIX = "mfwb-"
_OWNER = "owner"  # a file that its process keeps locked; the lock ends with the process
_existing: set[Path] = set()
"""Temporary folders of this process."""

_TRIES, _PAUSE = 10, 0.02  # seconds

_LOCKABLE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def scratch(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new temporary folder in `parent`; None: in the folder for temporary files."""
    folder, owner = _make(parent or Path(tempfile.gettempdir()))
    try:
        yield folder
    finally:
        with suppress(OSError):
            _remove(folder)
        _existing.discard(folder)
        os.close(owner)


def remove_all() -> None:
    """Remove all temporary folders of this process, which is about to end.

    Its other threads may still write there. If a folder can't be removed for that reason, a later
    process removes it.
    """
    remaining = sorted(_existing, reverse=True)  # nested folders come before their parents
    for _ in range(_TRIES):
        remaining = [folder for folder in remaining if not _is_removed(folder)]
        if not remaining:
            break
        time.sleep(_PAUSE)


def _is_removed(folder: Path) -> bool:
    try:
        _remove(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def make_scratch() -> Path:
    """Return a new folder for the lifetime of the process; the caller has to remove it."""
    return _make(Path(tempfile.gettempdir()))[0]


def _make(parent: Path) -> tuple[Path, int]:
    """Return a new folder, and the descriptor of its lock file, which has to stay open."""
    sweep(parent)
    while True:
        # The folder gets its final name only when it is locked.
        unfinished = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        with suppress(FileNotFoundError):  # another process took it for abandoned and removed it
            owner = os.open(unfinished / _OWNER, os.O_CREAT | _LOCKABLE, 0o600)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX)
                folder = unfinished.rename(unfinished.with_name(unfinished.name[1:]))
            except FileNotFoundError:
                os.close(owner)
                continue
            _existing.add(folder)
            return folder, owner


def sweep(parent: Path) -> None:
    """Remove temporary folders in `parent` whose processes have died."""
    with suppress(FileNotFoundError):
        for name in [path.name for path in parent.iterdir()]:
            if name.startswith((_PREFIX, f".{_PREFIX}")):
                with suppress(OSError):  # it is another user's, locked, or being removed
                    _remove_abandoned(parent, name)


def _remove_abandoned(parent: Path, name: str) -> None:
    with _open_own(parent, name) as (within, folder):
        try:
            owner = os.open(_OWNER, _LOCKABLE, dir_fd=folder)
        except FileNotFoundError:
            if name.startswith("."):
                os.rmdir(name, dir_fd=within)  # only succeeds if it is empty
            return
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _empty(within, name, folder)
        finally:
            os.close(owner)


def _remove(path: Path) -> None:
    with _open_own(path.parent, path.name) as (within, folder):
        _empty(within, path.name, folder)


@contextmanager
def _open_own(parent: Path, name: str) -> Iterator[tuple[int, int]]:
    """Yield descriptors of `parent` and of a folder in it; PermissionError if it is not mfwb's."""
    within = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        folder = open_folder(name, within=within)
        try:
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise PermissionError(f"{parent / name} is not a temporary folder of this user")
            yield within, folder
        finally:
            os.close(folder)
    finally:
        os.close(within)


def _empty(within: int, name: str, folder: int) -> None:
    """Remove a folder, its lock file last: the process may be killed in between."""
    for entry in os.listdir(folder):
        if entry != _OWNER:
            with suppress(OSError):
                remove_at(folder, entry)
    if os.listdir(folder) not in ([], [_OWNER]):  # then it stays, and a later process removes it
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), name)
    hidden = f".{name.lstrip('.')}"
    os.rename(name, hidden, src_dir_fd=within, dst_dir_fd=within)
    with suppress(FileNotFoundError):
        os.unlink(_OWNER, dir_fd=folder)
    os.rmdir(hidden, dir_fd=within)


def users_temporary_folder() -> Path:
    """Return the folder for temporary files, outside of mfwb's own ones."""
    folder = Path(tempfile.gettempdir())
    while folder in _existing:
        folder = folder.parent
    return folder


@contextmanager
def temporary_files_in_scratch() -> Iterator[None]:
    """Put all temporary files of this process and its children into one temporary folder.

    The SDKs remove theirs when they end, but not if they are killed.
    """
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    with scratch() as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            os.environ.pop("TMPDIR")
            if before[0] is not None:
                os.environ["TMPDIR"] = before[0]
            tempfile.tempdir = before[1]
