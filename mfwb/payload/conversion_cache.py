"""Conversion cache: converts each content once, and remembers failures, too."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from mfwb.config import Unpickle
from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import MAX_MEMORY, Converter, UnconvertibleError, new_forkserver
from mfwb.conversion.media import MARKDOWN
from mfwb.conversion.plain_npy import LARGEST, convert_plain_array
from mfwb.errors import ItemLost
from mfwb.files.content_store import Store
from mfwb.isolation.forkserver import Forkserver
from mfwb.media_formats import is_markdown_name
from mfwb.payload.batches import load_each
from mfwb.payload.masked_files import mask_file, mask_of_name
from mfwb.planning import Content
from mfwb.ports import Contents
from mfwb.redaction import Masker

__all__ = ["ConversionCache", "WantedConversion", "pickle_name"]

_SUFFIXES = {
    Conversion.TABLE: ".parquet",
    Conversion.TABLES: ".frames",
    Conversion.ROWS: ".rows.json",
    Conversion.CURVES: ".curves.json",
    Conversion.ARRAY: ".npy",
    Conversion.VALUE: ".json",
    Conversion.IMAGE: ".png",
    Conversion.WHOLE_IMAGE: ".whole.png",
    Conversion.FIGURE: ".figure.json",
    Conversion.PLUGIN: ".plugin",
    Conversion.MEDIA: ".media",
    Conversion.MEDIA_PANEL: ".panel",
    Conversion.GALLERY: ".gallery",
    Conversion.ARRAY_IMAGES: ".images",
    Conversion.CHART: ".chart.json",
}


_BESIDE = {
    Conversion.TABLE: Conversion.ROWS,
    Conversion.ARRAY: Conversion.CHART,
    Conversion.WHOLE_IMAGE: Conversion.IMAGE,
}
"""What is made beside a conversion, of the same value."""

_ALTERED = ".altered"
"""Suffix of a note beside a converted file: what the file does not preserve of the pickle."""

_MARKS = ".marks"
"""The same: how many of the texts in the file are masked."""

_MAX_IDLE = 8
"""Processes that are kept while they are idle."""


_SMALL = 1_000_000
"""Bytes of a content that is converted together with others."""

_BYTES_IN_MEMORY = 4_000_000
"""Bytes of small arrays that are in the memory of this process at a time."""

_TOGETHER = 64
"""Contents that are converted together: their requests are shorter than what a pipe takes."""


@dataclass(frozen=True, slots=True)
class WantedConversion:
    """A conversion of one content.

    Attributes:
        content: a pickle.
        conversion: the conversion to apply.
        unpickle: how far the pickle may be loaded.
        with_rows: whether to write the preview, too, which will be requested later: the ROWS of a
            TABLE, the CHART of an ARRAY, the IMAGE of a WHOLE_IMAGE.
        plugin: for PLUGIN, the name of the entry point.
    """

    content: Content
    conversion: Conversion
    unpickle: Unpickle
    with_rows: bool = False
    plugin: str = ""


class ConversionCache:
    """Converts contents that are not in the store yet; safe to use from several threads.

    Each flow run has its own process for conversions, which never held data of another flow run.
    """

    def __init__(
        self,
        store: Store,
        max_memory: int = MAX_MEMORY,
        forkservers: Mapping[bool, Forkserver] | None = None,
        masker: Masker | None = None,
    ) -> None:
        """Prepare to convert into a store.

        Args:
            store: destination of the files, by the sha1 of their content.
            max_memory: bytes of memory that each process may take for pickles.
            forkservers: start the processes for pickles that are trusted (True) or not (False),
                and are closed by their owner; one that is missing is made here.
            masker: knows what a secret is; None: nothing is masked.
        """
        self._masker = masker or Masker(enabled=False)
        self._store = store
        given = forkservers or {}
        self._own_forkservers = {
            trusted: new_forkserver(max_memory, trusted=trusted)
            for trusted in (False, True)
            if trusted not in given
        }
        self._forkservers = {**given, **self._own_forkservers}
        self._converters: dict[tuple[str, bool], Converter] = {}
        self._closed = False
        self._failures: dict[str, str] = {}
        self._lock = Lock()

    def prestart(
        self, content: Content, conversion: Conversion, unpickle: Unpickle, plugin: str = ""
    ) -> None:
        """Start the fork server if this content is not converted yet, and surely needs it."""
        if _may_be_plain(content, conversion):
            return
        if unpickle != "never" and not self._store.has(self._name(content, conversion, plugin)):
            with suppress(OSError):  # the conversion itself tries again
                self._forkservers[unpickle == "trusted"].start()

    def get(self, wanted: WantedConversion, contents: Contents) -> Path:
        """Return the converted file or folder of a content.

        Args:
            wanted: the conversion.
            contents: source of the bytes of its content.

        Raises:
            UnconvertibleError: with the reason, on every call. The pickle is then in the store.
            ItemLost: its bytes can't be loaded.
        """
        content = wanted.content
        if wanted.unpickle == "never":
            raise UnconvertibleError("pickles are not loaded (--unpickle never)")
        name = self._name(content, wanted.conversion, wanted.plugin)
        masked_text: str | None = None
        if wanted.conversion is Conversion.MEDIA_PANEL and not self._store.has(name):
            masked_text = self._read_masked_markdown(content, wanted.unpickle, contents)

        def convert_to(path: Path) -> None:
            self._raise_if_failed(name)  # another thread may have failed in the meantime
            data: bytes | None = None
            if _may_be_plain(content, wanted.conversion):
                data = contents.load([content]).get(content.sha1)
                if data is not None and self._write_plain(wanted, data, name, path):
                    return
            with (
                self._open_pickle(content, contents, data)
                if masked_text is None
                else self._open_pickled_text(masked_text) as source,
                self._store.scratch() as rows,
            ):
                job = _job(wanted, source, path, rows)
                try:
                    altered = self._converter(content, wanted.unpickle).convert(job)
                except UnconvertibleError as error:
                    self._record_failure(name, str(error))
                    if masked_text is None:
                        self._store_pickle(content, source)
                    raise
                self._finish(wanted, name, path, rows, altered)

        self._raise_if_failed(name)
        return self._store.get_or_make(name, convert_to)

    def convert_ahead(self, wanted: Iterable[WantedConversion], contents: Contents) -> None:
        """Convert small contents together, as far as they are not converted yet.

        `get` then returns what was made, or raises what was wrong. The process is asked once for
        many of them: to ask for each takes longer than to convert it.
        """
        missing: dict[str, WantedConversion] = {}
        for request in wanted:
            if not self._is_for_ahead(request):
                continue
            name = self._name(request.content, request.conversion, request.plugin)
            if self._failure_of(name) is None and not self._store.has(name):
                missing.setdefault(name, request)
        for trusted in (False, True):
            names = [name for name in missing if (missing[name].unpickle == "trusted") is trusted]
            for start in range(0, len(names), _TOGETHER):
                together = {name: missing[name] for name in names[start : start + _TOGETHER]}
                if len(together) > 1:
                    self._convert_together(together, contents)

    def _convert_together(self, wanted: Mapping[str, WantedConversion], contents: Contents) -> None:
        """Convert contents, by the names of their results, in one process at most."""
        with ExitStack() as temporary:
            written, sources = self._write_all_plain(wanted, contents, temporary)
            jobs: dict[str, Job] = {}
            for name, request in wanted.items():
                if name in written:
                    continue
                target, rows = (temporary.enter_context(self._store.scratch()) for _ in range(2))
                with suppress(ItemLost):  # `get` reports it
                    source = sources.get(name) or temporary.enter_context(
                        self._open_pickle(request.content, contents)
                    )
                    jobs[name] = _job(request, source, target, rows)
            if not jobs:
                return
            first = wanted[next(iter(jobs))]
            converter = self._converter(first.content, first.unpickle)
            results = converter.convert_each(list(jobs.values()))
            for (name, job), result in zip(jobs.items(), results, strict=True):
                content = wanted[name].content
                if isinstance(result, UnconvertibleError):
                    self._record_failure(name, str(result))
                    self._store_pickle(content, job.source)
                else:
                    self._finish(wanted[name], name, job.target, job.rows, result)
                    self._store.add(name, job.target)

    def _write_all_plain(
        self,
        wanted: Mapping[str, WantedConversion],
        contents: Contents,
        temporary: ExitStack,
    ) -> tuple[set[str], dict[str, Path]]:
        """Write plain arrays, which takes no process.

        Returns:
            The names of these results; and, by the names of theirs, the pickles of other arrays,
            which had to be read for that and stay until `temporary` ends.
        """
        written: set[str] = set()
        sources: dict[str, Path] = {}
        arrays = {
            name: request
            for name, request in wanted.items()
            if _may_be_plain(request.content, request.conversion)
        }
        names = {request.content.sha1: name for name, request in arrays.items()}
        of_arrays = (request.content for request in arrays.values())
        for content, data in load_each(of_arrays, contents, limit=_BYTES_IN_MEMORY):
            if data is None:
                continue  # `_open_pickle` says why
            name = names[content.sha1]
            with self._store.scratch() as target:
                if self._write_plain(arrays[name], data, name, target):
                    self._store.add(name, target)
                    written.add(name)
                    continue
            sources[name] = temporary.enter_context(self._open_pickle(content, contents, data))
        return written, sources

    def _write_plain(self, wanted: WantedConversion, data: bytes, name: str, target: Path) -> bool:
        """Write the file of a plain array, and store its chart; False if it is none."""
        with self._store.scratch() as chart:
            if not convert_plain_array(data, target, chart if wanted.with_rows else None):
                return False
            self._finish(wanted, name, target, chart)
        return True

    def _is_for_ahead(self, wanted: WantedConversion) -> bool:
        return 0 < wanted.content.size <= _SMALL and wanted.unpickle != "never"

    def _finish(
        self,
        wanted: WantedConversion,
        name: str,
        target: Path,
        rows: Path | None,
        altered: str = "",
    ) -> None:
        """Mask secrets in what was made, and store what lies beside the file of this name."""
        content, conversion = wanted.content, wanted.conversion
        self._mask(content, conversion, name, target)
        if rows is not None and rows.exists():
            beside = _BESIDE[conversion]
            of_rows = self._name(content, beside)
            self._mask(content, beside, of_rows, rows)
            self._store.add(of_rows, rows)
        if altered:
            self._add_note(f"{name}{_ALTERED}", altered)

    def altered(self, content: Content, conversion: Conversion, plugin: str = "") -> str:
        """Return how the result of `get` differs from the pickle; empty if it does not."""
        return self._read_note(f"{self._name(content, conversion, plugin)}{_ALTERED}")

    def count_marks(self, content: Content, conversion: Conversion) -> int:
        """Return how many of the texts in the result of `get` are masked."""
        return int(self._read_note(f"{self._name(content, conversion)}{_MARKS}") or 0)

    def has_failed(self, content: Content, conversion: Conversion) -> bool:
        """Return whether `get` has found that a content can't be converted."""
        return self._failure_of(self._name(content, conversion)) is not None

    def forget_failures(self) -> None:
        """Forget all failures: a later attempt may succeed."""
        with self._lock:
            self._failures.clear()

    def stop_processes(self, flow_run: str) -> None:
        """Stop the processes of a flow run; a later request starts new ones.

        Args:
            flow_run: its pathspec.
        """
        with self._lock:
            gone = [self._converters.pop((flow_run, trusted), None) for trusted in (False, True)]
        for converter in gone:
            if converter is not None:
                converter.stop_if_idle()

    def close(self) -> None:
        """Stop all processes."""
        with self._lock:
            self._closed = True
            converters = [*self._converters.values()]
        for converter in converters:
            converter.close()
        for forkserver in self._own_forkservers.values():
            forkserver.close()

    def _read_masked_markdown(
        self, content: Content, unpickle: Unpickle, contents: Contents
    ) -> str | None:
        """Return the text of Markdown in which secrets were masked; else None.

        Its page is made of that text: once Markdown is HTML, a secret may be spread over elements.
        """
        if not self._masker.enabled or not is_markdown_name(content.name):
            return None
        folder = self.get(WantedConversion(content, Conversion.MEDIA, unpickle), contents)
        file = folder / f"file.{MARKDOWN}"
        if not self.count_marks(content, Conversion.MEDIA) or not file.exists():
            return None
        return file.read_text(encoding="utf-8")

    @contextmanager
    def _open_pickled_text(self, text: str) -> Iterator[Path]:
        with self._store.scratch() as source:
            source.write_bytes(pickle.dumps(text, protocol=4))
            yield source

    def _mask(self, content: Content, conversion: Conversion, name: str, path: Path) -> None:
        """Mask secrets in a converted file before it gets its name."""
        marks = mask_file(conversion, content.name, path, self._masker)
        if marks:
            self._add_note(f"{name}{_MARKS}", str(marks))

    def _add_note(self, name: str, text: str) -> None:
        with self._store.scratch() as note:
            note.write_text(text, encoding="utf-8")
            self._store.add(name, note)

    def _read_note(self, name: str) -> str:
        return self._store.path(name).read_text("utf-8") if self._store.has(name) else ""

    def _name(self, content: Content, conversion: Conversion, plugin: str = "") -> str:
        """Return the name in the store of a converted content; each plugin has its own."""
        maker = f".{quote(plugin, safe='')}" if plugin else ""
        masks = mask_of_name(conversion, content.name, self._masker)
        return f"{content.sha1}{maker}{masks}{_SUFFIXES[conversion]}"

    def _converter(self, content: Content, unpickle: Unpickle) -> Converter:
        """Return the converter of a content's flow run and trust mode.

        A trusted pickle may have changed anything in its process, so that no untrusted pickle is
        loaded there.
        """
        trusted = unpickle == "trusted"
        key = (content.flow_run, trusted)
        with self._lock:
            if key not in self._converters:
                converter = Converter(self._forkservers[trusted])
                if self._closed:
                    converter.close()
                for other in [*self._converters.values()][
                    : max(0, len(self._converters) - _MAX_IDLE + 1)
                ]:
                    other.stop_if_idle()
                self._converters[key] = converter
            return self._converters[key]

    @contextmanager
    def _open_pickle(
        self, content: Content, contents: Contents, data: bytes | None = None
    ) -> Iterator[Path]:
        """Yield a file with the bytes of a content, from the store if the store has it.

        Args:
            content: the pickle.
            contents: source of its bytes.
            data: the bytes, if they were read already.
        """
        if self._store.has(pickle_name(content)):
            yield self._store.path(pickle_name(content))
            return
        with self._store.scratch() as path:
            if data is None:
                contents.copy(content, path)
            else:
                path.write_bytes(data)
            yield path

    def _store_pickle(self, content: Content, source: Path) -> None:
        """Store the pickle itself, which will be uploaded, so that it is not read again."""
        self._store.add(pickle_name(content), source)

    def _record_failure(self, name: str, reason: str) -> None:
        with self._lock:
            self._failures[name] = reason

    def _failure_of(self, name: str) -> str | None:
        with self._lock:
            return self._failures.get(name)

    def _raise_if_failed(self, name: str) -> None:
        reason = self._failure_of(name)
        if reason is not None:
            raise UnconvertibleError(reason)


def _job(wanted: WantedConversion, source: Path, target: Path, rows: Path) -> Job:
    of_rows = rows if wanted.with_rows else None
    return Job(wanted.conversion, source, target, of_rows, wanted.plugin)


def _may_be_plain(content: Content, conversion: Conversion) -> bool:
    """Whether this may be a plain array, which is then read into memory to be recognized."""
    return conversion is Conversion.ARRAY and 0 < content.size <= LARGEST


def pickle_name(content: Content) -> str:
    """Return the name in the store of a content's unconverted bytes."""
    return f"{content.sha1}.pkl"
