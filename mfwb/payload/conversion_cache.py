"""What contents were converted to: each once, also what could not be converted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from mfwb.config import Unpickle
from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import MAX_MEMORY, Converter, UnconvertibleError, new_forkserver
from mfwb.files.content_store import Store
from mfwb.isolation.forkserver import Forkserver
from mfwb.planning import Content
from mfwb.ports import Contents

__all__ = ["ConversionCache", "pickle_name"]

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


_ALTERED = ".altered"
"""The end of the name of a file that says what is not in the one of that name before it."""

_AT_ONCE = 8
"""Processes that stay when there is nothing to do for them."""


class ConversionCache:
    """Makes what is not there yet; safe to use from several threads.

    What comes from one flow run is converted in a process of its own, which never held anything of
    another one.
    """

    def __init__(self, store: Store, max_memory: int = MAX_MEMORY) -> None:
        """Work in a store.

        Args:
            store: where files go, by the sha1 of their content.
            max_memory: bytes that each process may take for pickles.
        """
        self._store = store
        self._forkservers: dict[bool, Forkserver] = {
            trusted: new_forkserver(max_memory, trusted=trusted) for trusted in (False, True)
        }
        self._converters: dict[tuple[str, bool], Converter] = {}
        self._closed = False
        self._failures: dict[str, str] = {}
        self._lock = Lock()

    def expect(
        self, content: Content, conversion: Conversion, unpickle: Unpickle, plugin: str = ""
    ) -> None:
        """Get the process ready if something is to be converted."""
        if unpickle != "never" and not self._store.has(_name(content, conversion, plugin)):
            with suppress(OSError):  # who needs it tries again
                self._forkservers[unpickle == "trusted"].start()

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
                    altered = self._converter(content, unpickle).convert(job)
                except UnconvertibleError as error:
                    self._fail(name, str(error))
                    self._keep(content, source)
                    raise
                if rows.exists():
                    self._store.take(_name(content, Conversion.ROWS), rows)
                if altered:
                    with self._store.scratch() as note:
                        note.write_text(altered, encoding="utf-8")
                        self._store.take(f"{name}{_ALTERED}", note)

        self._raise_if_failed(name)
        return self._store.place(name, make)

    def altered(self, content: Content, conversion: Conversion, plugin: str = "") -> str:
        """Return what files that `get` returned say otherwise than the pickle; empty: nothing."""
        name = f"{_name(content, conversion, plugin)}{_ALTERED}"
        return self._store.path(name).read_text("utf-8") if self._store.has(name) else ""

    def forget(self) -> None:
        """Forget what could not be converted: another time it may be."""
        with self._lock:
            self._failures.clear()

    def let_go(self, flow_run: str) -> None:
        """End the processes of a flow run; if anything of it is wanted again, there are new ones.

        Args:
            flow_run: its pathspec.
        """
        with self._lock:
            gone = [self._converters.pop((flow_run, trusted), None) for trusted in (False, True)]
        for converter in gone:
            if converter is not None:
                converter.rest()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            converters = [*self._converters.values()]
        for converter in converters:
            converter.close()
        for forkserver in self._forkservers.values():
            forkserver.close()

    def _converter(self, content: Content, unpickle: Unpickle) -> Converter:
        """Return the converter of a content's flow run, for a mode.

        What was trusted may have changed anything in its process, so that no other pickle is
        loaded there.
        """
        trusted = unpickle == "trusted"
        of = (content.flow_run, trusted)
        with self._lock:
            if of not in self._converters:
                converter = Converter(self._forkservers[trusted])
                if self._closed:
                    converter.close()
                for other in [*self._converters.values()][
                    : max(0, len(self._converters) - _AT_ONCE + 1)
                ]:
                    other.rest()
                self._converters[of] = converter
            return self._converters[of]

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
