"""One artifact of a task -> the files that W&B gets of it, by the form that was planned."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock

from mfwb.errors import ItemLost
from mfwb.payload.frames import load_frame, load_frames, write_parquet
from mfwb.payload.paths import Found, files_of_path, load_path
from mfwb.payload.store import Store, is_full
from mfwb.planning import Content, Form, PlannedFile
from mfwb.ports import Contents, ReadyFile

__all__ = ["Forms"]

_NAME_LIMIT = 100  # characters; file systems take 255 bytes
_HASH_LENGTH = 8


class Forms:
    """Makes files of artifacts; remembers which contents could not be converted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._unconvertible: set[str] = set()

    def files_of(self, planned: PlannedFile, contents: Contents) -> Found:
        """Return the files of one artifact, and what of it is lost; ItemLost if all of it is."""
        if planned.form is Form.PATH:
            return files_of_path(load_path(self._bytes(planned.content, contents)), planned.stem)
        if planned.form is Form.INCLUDE:
            return Found([self._included(planned, contents)])
        if planned.form is Form.PARQUET:
            return Found([self._parquet(planned, contents)])
        if planned.form is Form.FRAMES:
            return Found(self._parquets(planned, contents))
        return Found([self._pickle(planned, contents)])

    # --- forms ------------------------------------------------------------------------------

    def _pickle(self, planned: PlannedFile, contents: Contents) -> ReadyFile:
        path = self._store.place(
            f"{planned.content.sha1}.pkl", lambda path: contents.copy(planned.content, path)
        )
        return _ready(f"{planned.stem}.pkl", path)

    def _included(self, planned: PlannedFile, contents: Contents) -> ReadyFile:
        path = self._store.place(
            f"{planned.content.sha1}.included",
            lambda path: contents.copy_included(planned.content, path),
        )
        return _ready(planned.stem, path)

    def _parquet(self, planned: PlannedFile, contents: Contents) -> ReadyFile:
        def convert(data: bytes, path: Path) -> None:
            write_parquet(load_frame(data), path)

        path = self._converted(planned.content, ".parquet", convert, contents)
        if path is None:
            return self._pickle(planned, contents)
        return _ready(f"{planned.stem}.parquet", path)

    def _parquets(self, planned: PlannedFile, contents: Contents) -> list[ReadyFile]:
        folder = self._converted(planned.content, ".frames", _write_parquets, contents)
        if folder is None:
            return [self._pickle(planned, contents)]
        return [_ready(f"{planned.stem}/{path.name}", path) for path in sorted(folder.iterdir())]

    # --- conversion -------------------------------------------------------------------------

    def _converted(
        self,
        content: Content,
        suffix: str,
        convert: Callable[[bytes, Path], None],
        contents: Contents,
    ) -> Path | None:
        """Return what a content was converted to; None if its pickle has to do."""
        name = f"{content.sha1}{suffix}"
        if self._is_unconvertible(name):
            return None

        def make(path: Path) -> None:
            data = self._bytes(content, contents)
            try:
                convert(data, path)
            except MemoryError:
                raise
            except Exception as error:  # a damaged pickle can raise anything
                if is_full(error):
                    raise
                raise _UnconvertibleError from error

        try:
            return self._store.place(name, make)
        except MemoryError:
            raise ItemLost("there is not enough memory for it") from None
        except _UnconvertibleError:
            with self._lock:
                self._unconvertible.add(name)
            return None

    def _is_unconvertible(self, name: str) -> bool:
        with self._lock:
            return name in self._unconvertible

    def _bytes(self, content: Content, contents: Contents) -> bytes:
        with self._store.scratch() as path:
            contents.copy(content, path)
            return path.read_bytes()


class _UnconvertibleError(Exception):
    """A pickle that is damaged, that refers to what is not loaded, or that parquet can't hold."""


def _write_parquets(data: bytes, folder: Path) -> None:
    folder.mkdir()
    names: set[str] = set()
    for key, frame in load_frames(data):
        name = _file_name(key, names)
        names.add(name.casefold())
        write_parquet(frame, folder / f"{name}.parquet")


def _file_name(key: str, taken: set[str]) -> str:
    """Return a key as a file name, on whatever file system; keys that would collide get a hash."""
    name = re.sub(r"[^A-Za-z0-9_\-.]", "_", key).lstrip(".") or "_"
    if len(name) <= _NAME_LIMIT and name.casefold() not in taken:
        return name
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    name = f"{name[: _NAME_LIMIT - _HASH_LENGTH - 3]}-{digest}"
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in candidates if one.casefold() not in taken)


def _ready(name: str, path: Path) -> ReadyFile:
    return ReadyFile(path=name, size=path.stat().st_size, local=path)
