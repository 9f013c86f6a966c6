"""One artifact of a task -> the files that W&B gets of it, by the form that was planned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from mfwb.errors import ItemLost
from mfwb.payload.converter import Converter, UnconvertibleError
from mfwb.payload.converting import ONE, SEVERAL
from mfwb.payload.paths import Found, files_of_path, load_path
from mfwb.payload.store import Store
from mfwb.planning import Content, Form, PlannedFile
from mfwb.ports import Contents, ReadyFile

__all__ = ["Forms"]


class _Conversion(NamedTuple):
    asked: str  # of the converter
    suffix: str


_CONVERTED = {
    Form.PARQUET: _Conversion(ONE, ".parquet"),
    Form.FRAMES: _Conversion(SEVERAL, ".frames"),
}


class Forms:
    """Makes files of artifacts; remembers which contents could not be converted."""

    def __init__(self, store: Store, converter: Converter) -> None:
        self._store = store
        self._converter = converter
        self._lock = Lock()
        self._unconvertible: set[str] = set()

    def expect(self, files: Iterable[PlannedFile]) -> None:
        """Get ready for what is to be converted, if anything is."""
        if any(
            one.form in _CONVERTED and not self._store.has(_converted_name(one)) for one in files
        ):
            self._converter.start()

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
        path = self._converted(planned, contents)
        if path is None:
            return self._pickle(planned, contents)
        return _ready(f"{planned.stem}.parquet", path)

    def _parquets(self, planned: PlannedFile, contents: Contents) -> list[ReadyFile]:
        folder = self._converted(planned, contents)
        if folder is None:
            return [self._pickle(planned, contents)]
        return [_ready(f"{planned.stem}/{path.name}", path) for path in sorted(folder.iterdir())]

    # --- conversion -------------------------------------------------------------------------

    def _converted(self, planned: PlannedFile, contents: Contents) -> Path | None:
        """Return what a content was converted to; None if its pickle has to do."""
        name = _converted_name(planned)
        if self._is_unconvertible(name):
            return None

        def make(path: Path) -> None:
            with self._store.scratch() as source:
                contents.copy(planned.content, source)
                self._converter.convert(_CONVERTED[planned.form].asked, source, path)

        try:
            return self._store.place(name, make)
        except MemoryError:
            raise ItemLost("there is not enough memory for it") from None
        except UnconvertibleError:
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


def _converted_name(planned: PlannedFile) -> str:
    return f"{planned.content.sha1}{_CONVERTED[planned.form].suffix}"


def _ready(name: str, path: Path) -> ReadyFile:
    return ReadyFile(path=name, size=path.stat().st_size, local=path)
