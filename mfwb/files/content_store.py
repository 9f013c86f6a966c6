"""Store of files named by their content: each is made once, appears complete, and never changes.

Only a forced sync makes them once more, since somebody may have damaged them.

Names contain text that strangers recorded, so only plain names are accepted. Only files that this
process made are removed, by their exact names.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from filecmp import cmp
from itertools import count
from pathlib import Path
from threading import Condition

from mfwb.errors import SinkError, SourceError
from mfwb.files.private_files import (
    make_folder,
    make_folders,
    make_private,
    remove_below,
    remove_own,
)
from mfwb.files.tempdirs import scratch, sweep

__all__ = ["Store", "is_full"]

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PLAIN = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._%~-]{1,254}")  # `quote` makes such names of plugins


class Store:
    """A folder of files and folders by key; safe to use from several threads and processes."""

    def __init__(self, folder: Path, *, renew: bool = False) -> None:
        """Use a folder, which need not exist.

        Args:
            folder: where the files are, or will be.
            renew: whether each file that exists already is made once more, and replaced if its
                content is another one: it may be damaged.
        """
        self._renew = renew
        self._renewed: set[str] = set()  # names, if files are renewed
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they were given
        self._folder_text = str(self._folder)
        self._unfinished: Path | None = None  # a folder inside, once something was made
        self._numbers = count()  # names of files there, which nobody else makes
        self._open = ExitStack()
        self._busy: set[str] = set()  # names of files that a thread is making now
        self._made: defaultdict[str, set[str]] = defaultdict(set)  # names by key
        self._condition = Condition()

    def get_or_make(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return the file or folder of that name; `make` writes it if it does not exist yet.

        `make` gets an unused path. Its result is renamed in one step, so that a crash leaves no
        incomplete file that looks complete.
        """
        path = self.path(name)
        self._lock_name(name)
        try:
            if not self._has(name, path):
                with self.scratch() as unfinished:
                    make(unfinished)
                    self._put(unfinished, name, path)
        finally:
            self._unlock_name(name)
        return path

    def add(self, name: str, path: Path) -> None:
        """Move a file into the store, unless that name exists; it is on the same disk."""
        target = self.path(name)
        self._lock_name(name)
        try:
            if not self._has(name, target):
                with _report_full_disk(self._folder):
                    self._put(path, name, target)
        finally:
            self._unlock_name(name)

    def has(self, name: str) -> bool:
        """Whether a file or folder of that name exists, and need not be renewed."""
        return self._has(name, self._path_text(name))

    def path(self, name: str) -> Path:
        """Return the path of the file or folder of that name, which may not exist.

        SourceError if the name is not plain: the content was recorded under a wrong key.
        """
        return Path(self._path_text(name))

    def _path_text(self, name: str) -> str:
        """Return the path as text: to ask only for that is half the work."""
        if not _PLAIN.fullmatch(name):
            raise SourceError(f"{name!r} can't be the name of a file; its record is damaged")
        return f"{self._folder_text}{os.sep}{name[:2]}{os.sep}{name}"

    def discard(self, key: str) -> None:
        """Remove the files of this key, with any suffix, that were made here."""
        with self._condition:
            names = self._made.pop(key, set())
        for name in names:
            with suppress(OSError):
                remove_below(self._folder, f"{name[:2]}/{name}")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a path for a temporary file, which is removed afterwards unless it was moved."""
        with _report_full_disk(self._folder):
            path = self._unfinished_folder() / str(next(self._numbers))
            try:
                yield path
            finally:
                with suppress(OSError):
                    remove_own(path)

    def remove_unfinished(self) -> None:
        """Remove unfinished files, also of processes that were killed."""
        with self._condition:
            self._open.close()
            self._unfinished = None
        sweep(self._folder)

    def remove(self) -> None:
        """Remove all files that were made here, and the folder if it is then empty."""
        self.remove_unfinished()
        with self._condition:
            keys = list(self._made)
        folders = {key[:2] for key in keys}
        for key in keys:
            self.discard(key)
        for folder in (*(self._folder / name for name in folders), self._folder):
            with suppress(OSError):
                folder.rmdir()

    def _has(self, name: str, path: str | Path) -> bool:
        is_settled = not self._renew or name in self._renewed
        return is_settled and _exists(path)

    def _put(self, unfinished: Path, name: str, path: Path) -> None:
        """Give a file or folder its name, unless one of the same content has it."""
        if self._renew:
            self._renewed.add(name)
        if _exists(path) and _have_same_content(unfinished, path):
            return
        make_private(unfinished)
        with self._condition:
            self._made[_key(name)].add(name)
        if not _is_folder(path.parent):
            _make_parent(path)
        if self._renew and path.is_dir() and not path.is_symlink():
            remove_below(self._folder, f"{name[:2]}/{name}")  # a folder replaces no other one
        _move(unfinished, path)

    def _unfinished_folder(self) -> Path:
        """Return a temporary folder on the same disk; also remove those of killed processes."""
        with self._condition:
            if self._unfinished is None:
                make_folder(self._folder)
                if self._folder.is_symlink():
                    raise SinkError(f"{self._folder} is a link; mfwb writes to folders of its own")
                if not self._folder.is_dir():
                    raise SinkError(
                        f"{self._folder} is not a folder; mfwb writes to folders of its own"
                    )
                self._unfinished = self._open.enter_context(scratch(self._folder))
            return self._unfinished

    def _lock_name(self, name: str) -> None:
        """Wait while another thread makes the same name; other names don't wait."""
        with self._condition:
            while name in self._busy:
                self._condition.wait()
            self._busy.add(name)

    def _unlock_name(self, name: str) -> None:
        with self._condition:
            self._busy.remove(name)
            self._condition.notify_all()


def _have_same_content(path: Path, other: Path) -> bool:
    """Return whether two files, or two folders with all in them, have the same names and bytes."""
    files, others = _files_in(path), _files_in(other)
    return files.keys() == others.keys() and all(
        cmp(file, others[name], shallow=False) for name, file in files.items()
    )


def _files_in(path: Path) -> dict[str, Path]:
    if not path.is_dir():
        return {"": path}
    return {str(file.relative_to(path)): file for file in path.rglob("*") if file.is_file()}


def _key(name: str) -> str:
    return name.partition(".")[0]


def _exists(path: str | Path) -> bool:
    """Whether a file or a folder exists; links don't count, since the store never makes any."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _is_folder(path: Path) -> bool:
    """Whether a folder exists, and not just a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _make_parent(path: Path) -> None:
    try:
        make_folders(path.parent.parent, path.parent.name)
    except (NotADirectoryError, FileExistsError) as error:
        raise SinkError(str(error)) from None


def _move(unfinished: Path, path: Path) -> None:
    try:
        unfinished.replace(path)
    except OSError:
        if not _exists(path):  # another process may have made the same folder just now
            raise


@contextmanager
def _report_full_disk(folder: Path) -> Iterator[None]:
    """Turn a full disk into SinkError, which ends the flow run: it concerns all items."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise SinkError(f"no space left for the files of artifacts in {folder}") from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether an error means that a disk is full or a quota is used up."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL
