"""Files named by what is in them: each is made once, appears whole, and never changes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Condition
from uuid import uuid4

from mfwb.errors import SinkError
from mfwb.scratch import scratch, sweep

__all__ = ["Store", "is_full"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Store:
    """A folder of files and folders by key; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they were given
        self._unfinished: Path | None = None  # a folder inside, if something was made
        self._open = ExitStack()
        self._busy: set[str] = set()  # names that are being made
        self._less_busy = Condition()

    def place(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return the file or folder of that name; `make` writes it if there is none yet.

        `make` gets a path at which there is nothing. What it leaves there takes the name in one
        step, so that a crash leaves no half file that looks whole.
        """
        path = self.path(name)
        with self._alone_with(name):
            if not path.exists():
                with self.scratch() as unfinished:
                    make(unfinished)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _move(unfinished, path)
        return path

    def take(self, name: str, path: Path) -> None:
        """Give a file the name, unless there is one of that name."""
        self.place(name, lambda unfinished: _move(path, unfinished))

    def has(self, name: str) -> bool:
        """Whether there is a file or folder of that name."""
        return self.path(name).exists()

    def path(self, name: str) -> Path:
        """Return where the file or folder of that name is, or would be."""
        return self._folder / name[:2] / name

    def discard(self, key: str) -> None:
        """Remove all files and folders whose names are a key and a suffix."""
        for path in self._folder.glob(f"{key[:2]}/{key}.*"):
            _remove(path)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a path for something that is gone afterwards, unless it was moved away."""
        with _room_in(self._folder):
            path = self._place_for_unfinished() / uuid4().hex
            try:
                yield path
            finally:
                _remove(path)

    def tidy(self) -> None:
        """Remove what is unfinished, also of processes that were killed."""
        with self._less_busy:
            self._open.close()
            self._unfinished = None
        sweep(self._folder)

    def remove(self) -> None:
        """Remove the whole folder."""
        self.tidy()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _place_for_unfinished(self) -> Path:
        """Return a folder on the same disk; what a killed process left in its own goes now."""
        with self._less_busy:
            if self._unfinished is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._unfinished = self._open.enter_context(scratch(self._folder))
            return self._unfinished

    @contextmanager
    def _alone_with(self, name: str) -> Iterator[None]:
        """Wait for others that make the same thing, and for nobody else."""
        with self._less_busy:
            self._less_busy.wait_for(lambda: name not in self._busy)
            self._busy.add(name)
        try:
            yield
        finally:
            with self._less_busy:
                self._busy.remove(name)
                self._less_busy.notify_all()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _move(unfinished: Path, path: Path) -> None:
    try:
        unfinished.replace(path)
    except OSError:
        if not path.is_dir():  # a folder that another process made just now is as good
            raise


@contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    """Turn a full disk into an error that ends the flow run: it is not about one item."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise SinkError(f"no space left for the files of artifacts in {folder}") from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk or a quota is used up."""
    return isinstance(error, OSError) and error.errno in _FULL
