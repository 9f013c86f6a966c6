"""What contents were converted to: each once, also what could not be converted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from mfwb.config import Unpickle
from mfwb.payload.conversions import Conversion, Job
from mfwb.payload.converter import Converter, UnconvertibleError
from mfwb.payload.store import Store
from mfwb.planning import Content
from mfwb.ports import Contents

__all__ = ["Converted", "pickle_name"]

_SUFFIXES = {
    Conversion.TABLE: ".parquet",
    Conversion.TABLES: ".frames",
    Conversion.ROWS: ".rows.json",
    Conversion.ARRAY: ".npy",
    Conversion.VALUE: ".json",
    Conversion.IMAGE: ".png",
    Conversion.FIGURE: ".figure.json",
    Conversion.PLUGIN: ".plugin",
}


class Converted:
    """Makes what is not there yet; safe to use from several threads."""

    def __init__(self, store: Store, new_converter: Callable[[bool], Converter]) -> None:
        """Work in a store.

        Args:
            store: where files go, by the sha1 of their content.
            new_converter: returns a converter that trusts pickles, or one that does not.
        """
        self._store = store
        self._new_converter = new_converter
        self._converters: dict[bool, Converter] = {}
        self._failures: dict[str, str] = {}
        self._lock = Lock()

    def expect(
        self, content: Content, conversion: Conversion, unpickle: Unpickle, plugin: str = ""
    ) -> None:
        """Get the process ready if something is to be converted."""
        if unpickle != "never" and not self._store.has(_name(content, conversion, plugin)):
            self._converter(unpickle).start()

    def get(  # noqa: PLR0913 - they are what there is to say
        self,
        content: Content,
        conversion: Conversion,
        unpickle: Unpickle,
        contents: Contents,
        *,
        with_rows: bool = False,
        plugin: str = "",
    ) -> Path:
        """Return the file or folder that a content was converted to.

        Args:
            content: a pickle.
            conversion: what is to become of it.
            unpickle: how far it may be loaded.
            contents: where its bytes are.
            with_rows: whether the ROWS of a TABLE will be asked for, so that they are made with it.
            plugin: of PLUGIN, the name of the entry point.

        Raises:
            UnconvertibleError: saying why, every time. Its pickle is in the store then.
            ItemLost: its bytes can't be had.
        """
        if unpickle == "never":
            raise UnconvertibleError("pickles are not loaded (--unpickle never)")
        name = _name(content, conversion, plugin)

        def make(path: Path) -> None:
            self._raise_if_failed(name)  # another thread may have tried meanwhile
            with self._pickle(content, contents) as source, self._store.scratch() as rows:
                job = Job(conversion, source, path, rows if with_rows else None, plugin)
                try:
                    self._converter(unpickle).convert(job)
                except UnconvertibleError as error:
                    self._fail(name, str(error))
                    self._keep(content, source)
                    raise
                if rows.exists():
                    self._store.take(_name(content, Conversion.ROWS), rows)

        self._raise_if_failed(name)
        return self._store.place(name, make)

    def forget(self) -> None:
        """Forget what could not be converted: another time it may be."""
        with self._lock:
            self._failures.clear()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            for converter in self._converters.values():
                converter.close()

    def _converter(self, unpickle: Unpickle) -> Converter:
        """Return the converter for a mode.

        What was trusted may have changed anything in its process, so that no other pickle is
        loaded there.
        """
        trusted = unpickle == "trusted"
        with self._lock:
            if trusted not in self._converters:
                self._converters[trusted] = self._new_converter(trusted)
            return self._converters[trusted]

    @contextmanager
    def _pickle(self, content: Content, contents: Contents) -> Iterator[Path]:
        """Yield a file with the bytes of a content: the one in the store if there is one."""
        if self._store.has(pickle_name(content)):
            yield self._store.path(pickle_name(content))
            return
        with self._store.scratch() as path:
            contents.copy(content, path)
            yield path

    def _keep(self, content: Content, source: Path) -> None:
        """Keep the bytes, which are needed as they are, so that they are not read again."""
        self._store.take(pickle_name(content), source)

    def _fail(self, name: str, reason: str) -> None:
        with self._lock:
            self._failures[name] = reason

    def _raise_if_failed(self, name: str) -> None:
        with self._lock:
            reason = self._failures.get(name)
        if reason is not None:
            raise UnconvertibleError(reason)


def pickle_name(content: Content) -> str:
    """Return the name of a content in the store as it is."""
    return f"{content.sha1}.pkl"


def _name(content: Content, conversion: Conversion, plugin: str = "") -> str:
    """Return the name in the store; what two plugins make of a content are two things."""
    maker = f".{quote(plugin, safe='')}" if plugin else ""
    return f"{content.sha1}{maker}{_SUFFIXES[conversion]}"
