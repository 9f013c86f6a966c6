"""Temporary folders that go even if the process is killed: the next one removes them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["new_scratch", "scratch", "sweep", "temporary_files_in_scratch"]

_PREFIX = "mfwb-"
_OWNER = "owner"  # a file that its process keeps locked; the lock goes with the process


@contextmanager
def scratch(place: Path | None = None) -> Iterator[Path]:
    """Yield a new folder that is gone afterwards, in a place; None: where temporary files go."""
    folder, owner = _make(place or Path(tempfile.gettempdir()))
    try:
        yield folder
    finally:
        with suppress(OSError):
            _remove(folder)
        os.close(owner)


def new_scratch() -> Path:
    """Return a new folder that is there as long as the process, which has to remove it."""
    return _make(Path(tempfile.gettempdir()))[0]


def _make(place: Path) -> tuple[Path, int]:
    """Return a folder, and the file that is to stay open as long as it is needed."""
    sweep(place)
    while True:
        # It gets the name by which it is used when it is locked already.
        making = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=place))
        with suppress(FileNotFoundError):  # another process took it for one that a kill left
            owner = os.open(making / _OWNER, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX)
                return making.rename(making.with_name(making.name[1:])), owner
            except FileNotFoundError:
                os.close(owner)


def sweep(place: Path) -> None:
    """Remove folders in a place whose processes have died."""
    for folder in (*place.glob(f"{_PREFIX}*"), *place.glob(f".{_PREFIX}*")):
        with suppress(OSError):  # another user's, or locked, or somebody removes it just now
            _sweep_one(folder)


def _sweep_one(folder: Path) -> None:
    try:
        owner = os.open(folder / _OWNER, os.O_RDWR)
    except FileNotFoundError:
        if folder.name.startswith("."):
            folder.rmdir()  # it is empty, or not ours
        return
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(owner)


def _remove(folder: Path) -> None:
    """Remove a folder, and last in it what tells whose it is: a kill may come in between."""
    for one in folder.iterdir():
        if one.name != _OWNER:
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one, ignore_errors=True)
            else:
                one.unlink(missing_ok=True)
    shutil.rmtree(folder.rename(folder.with_name(f".{folder.name.lstrip('.')}")))


@contextmanager
def temporary_files_in_scratch() -> Iterator[None]:
    """Let all temporary files of this process and those it starts lie in a scratch folder.

    The SDKs make some that they remove when they end, which they don't if they are killed.
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
