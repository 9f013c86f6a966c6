"""One artifact of a task -> its files for W&B, in the planned form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import UnconvertibleError
from mfwb.conversion.path_values import load_path
from mfwb.errors import ItemLost
from mfwb.files.allowed_files import AllowedFiles
from mfwb.files.content_store import Store
from mfwb.payload.checkpoints import copy_checkpoint, refer_to_checkpoint
from mfwb.payload.conversion_cache import ConversionCache, WantedConversion, pickle_name
from mfwb.payload.copied_files import copy_file
from mfwb.payload.frame_curves import may_have_curves
from mfwb.payload.model import ArtifactFiles
from mfwb.payload.paths import read_path_files
from mfwb.planning import Content, Form, PlannedCheckpoint, PlannedFile, PlannedRun, Preview
from mfwb.ports import CodeFile, Contents, Readable, ReadyFile
from mfwb.redaction import LARGEST_SOURCE, Masker
from mfwb.snapshot.facts import PICKLES

__all__ = ["CONVERSIONS", "FileBuilder", "files_allowed", "mask_code", "read_path"]

CONVERSIONS = {
    Form.PARQUET: Conversion.TABLE,
    Form.FRAMES: Conversion.TABLES,
    Form.ARRAY: Conversion.ARRAY,
    Form.JSON: Conversion.VALUE,
    Form.PLUGIN: Conversion.PLUGIN,
    Form.IMAGE: Conversion.WHOLE_IMAGE,
    Form.MEDIA: Conversion.MEDIA,
}
"""The conversion of each form that needs one."""

_FILE_SUFFIXES = {
    Form.PARQUET: ".parquet",
    Form.ARRAY: ".npy",
    Form.JSON: ".json",
    Form.IMAGE: ".png",
}
_MADE_BESIDE = frozenset({Preview.TABLE, Preview.CHART, Preview.IMAGE})
"""Previews that are made together with the file."""

_SUFFIX_LIMIT = 40  # characters
_PATH_LIMIT = 100_000  # bytes of a pickled path


class FileBuilder:
    """Builds the files of artifacts."""

    def __init__(self, store: Store, converted: ConversionCache, masker: Masker) -> None:
        self._store = store
        self._masker = masker
        self._converted = converted
        self._md5s: dict[str, str] = {}  # of copied contents, by sha1

    def files_of(  # noqa: PLR0911 - one for each form
        self, planned: PlannedFile, contents: Contents, run: PlannedRun, *, encoding: str
    ) -> ArtifactFiles:
        """Return the files of one artifact and its missing parts; ItemLost if all is missing.

        Args:
            planned: the artifact and its form.
            contents: source of its bytes.
            run: the W&B run of the artifact, with the rules for loading pickles and for sending
                local files.
            encoding: the encoding in which Metaflow stored it, if that was not a pickle.
        """
        checkpoint = run.checkpoint(planned.content)
        if checkpoint is not None:
            return self._build_checkpoint(planned, checkpoint, contents)
        if planned.form is Form.PATH:
            return self._copy_path(planned, contents, run)
        if planned.form is Form.CODE:
            return self._copy_code(planned, contents)
        if planned.form is Form.INCLUDE:
            return ArtifactFiles(Form.INCLUDE, [self._copy_included(planned, contents, run)])
        if planned.form is Form.REFERENCE:
            return self._build_reference(planned, contents, encoding)
        if planned.form in CONVERSIONS:
            return self._convert(planned, contents, run)
        form = Form.STORED if planned.form is Form.STORED else Form.PICKLE
        suffix = _suffix(encoding) if form is Form.STORED else ".pkl"
        return ArtifactFiles(form, [self._copy_stored(planned, contents, suffix)])

    def forget(self, sha1: str) -> None:
        """Forget a content whose files are deleted: a sync may copy a million others."""
        self._md5s.pop(sha1, None)
        self._md5s.pop(_included_name(sha1), None)

    def convert_ahead(self, runs: Iterable[PlannedRun], contents: Contents) -> None:
        """Convert the small artifacts of W&B runs together, which `files_of` is asked for next."""
        wanted = [
            _conversion_of(file, run)
            for run in runs
            for artifact in run.outputs
            for file in artifact.files
            if file.form in CONVERSIONS and run.checkpoint(file.content) is None
        ]
        self._converted.convert_ahead(wanted, contents)

    def _convert(self, planned: PlannedFile, contents: Contents, run: PlannedRun) -> ArtifactFiles:
        wanted = _conversion_of(planned, run)
        try:
            path = self._converted.get(wanted, contents)
        except UnconvertibleError as error:
            kept = self._copy_stored(planned, contents, ".pkl")
            return ArtifactFiles(Form.PICKLE, [kept], kept_because=str(error))
        altered = self._converted.altered(
            planned.content, CONVERSIONS[planned.form], planned.plugin
        )
        marks = self._converted.count_marks(planned.content, CONVERSIONS[planned.form])
        files = _made_files(planned, path)
        if altered or planned.form is Form.IMAGE:  # a PNG has not all that an image object has
            files.append(self._copy_stored(planned, contents, ".pkl"))
        return ArtifactFiles(planned.form, files, altered=altered, marks=marks)

    def _build_reference(
        self, planned: PlannedFile, contents: Contents, encoding: str
    ) -> ArtifactFiles:
        """Return a reference to the bytes in Metaflow's datastore; a copy if that is impossible."""
        suffix = ".pkl" if encoding in PICKLES else _suffix(encoding)
        located = contents.locate(planned.content)
        if located is None:
            return ArtifactFiles(Form.PICKLE, [self._copy_stored(planned, contents, suffix)])
        file = ReadyFile(
            f"{planned.stem}{suffix}{'.gz' if located.gzipped else ''}",
            located.size,
            uri=located.uri,
            etag=located.etag,
            version=located.version,
            gzipped=located.gzipped,
        )
        return ArtifactFiles(Form.REFERENCE, [file])

    def _build_checkpoint(
        self, planned: PlannedFile, checkpoint: PlannedCheckpoint, contents: Contents
    ) -> ArtifactFiles:
        """Return the files of a checkpoint, or references to them if that is planned."""
        if planned.form is Form.REFERENCE:
            references = refer_to_checkpoint(planned, checkpoint, contents)
            if references is not None:
                return references
        limit = checkpoint.limit

        def keep(stream: Readable, name: str, room: int | None) -> ReadyFile:
            return self._keep(planned.content, stream, name, room, limit, kind="models")

        return copy_checkpoint(planned, checkpoint, contents, keep)

    def _keep(  # noqa: PLR0913 - what it is of, and two limits
        self,
        content: Content,
        stream: Readable,
        name: str,
        room: int | None = None,
        limit: int | None = None,
        *,
        kind: str = "datasets",
    ) -> ReadyFile:
        with self._store.scratch() as unfinished:
            copied = copy_file(stream, unfinished, max_bytes=room, limit=limit, kind=kind)
            kept = f"{content.sha1}.{copied.sha1}.file"
            self._store.add(kept, unfinished)
        return ReadyFile(name, copied.size, self._store.path(kept), md5=copied.md5)

    def _copy_stored(self, planned: PlannedFile, contents: Contents, suffix: str) -> ReadyFile:
        sha1 = planned.content.sha1

        def copy(path: Path) -> None:
            self._md5s[sha1] = contents.copy(planned.content, path)

        path = self._store.get_or_make(pickle_name(planned.content), copy)
        return replace(_ready(f"{planned.stem}{suffix}", path), md5=self._md5s.get(sha1))

    def _copy_included(
        self, planned: PlannedFile, contents: Contents, run: PlannedRun
    ) -> ReadyFile:
        # Metaflow does not record the name of the file, so it gets the name of the parameter.
        name = _included_name(planned.content.sha1)
        allowed = files_allowed(contents, run)

        def copy(path: Path) -> None:
            self._md5s[name] = contents.copy_included(
                planned.content, path, allowed=allowed, limit=run.file_limit
            )

        path = self._store.get_or_make(name, copy)
        return replace(_ready(planned.stem, path), md5=self._md5s.get(name))

    def _copy_path(
        self, planned: PlannedFile, contents: Contents, run: PlannedRun
    ) -> ArtifactFiles:
        content = planned.content
        path = load_path(read_path(content, contents, self._store))
        room = run.file_limit

        def keep(file: BinaryIO, name: str) -> ReadyFile:
            nonlocal room
            ready = self._keep(content, file, name, room, run.file_limit, kind="datasets")
            room = None if room is None else room - ready.size
            return ready

        return read_path_files(path, planned.stem, allowed=files_allowed(contents, run), keep=keep)

    def _copy_code(self, planned: PlannedFile, contents: Contents) -> ArtifactFiles:
        """Return the user's files in a code package, by name; a later one replaces an earlier.

        Their marks are the number of files in which secrets were masked.
        """
        files: dict[str, ReadyFile] = {}
        masked: set[str] = set()

        def keep(file: CodeFile) -> None:
            name = f"{planned.stem}/{file.name}" if planned.stem else file.name
            stream, is_masked = mask_code(file, self._masker)
            masked.discard(name)
            if is_masked:
                masked.add(name)
            files[name] = self._keep(planned.content, stream, name)

        with self._store.scratch() as packed:
            excluded = contents.read_code(planned.content, packed, keep)
        if not files and not excluded.unreadable:
            raise ItemLost("it has no file of the flow")
        return ArtifactFiles(
            Form.CODE,
            [files[name] for name in sorted(files)],
            missing=dict(excluded.unreadable),
            excluded=excluded.own,
            marks=len(masked),
        )


def _conversion_of(planned: PlannedFile, run: PlannedRun) -> WantedConversion:
    return WantedConversion(
        planned.content,
        CONVERSIONS[planned.form],
        run.unpickle,
        with_rows=planned.preview in _MADE_BESIDE or may_have_curves(planned, run),
        plugin=planned.plugin,
    )


def mask_code(file: CodeFile, masker: Masker) -> tuple[Readable, bool]:
    """Return the bytes of a file of the user's code without secrets, and whether it has any."""
    data = _read_up_to(file.data, LARGEST_SOURCE + 1)
    own = masker.mask_source(file.name, data)
    return _Prefixed(own, file.data), own != data


def read_path(content: Content, contents: Contents, store: Store) -> bytes:
    """Return the bytes of a pickled path; ItemLost if they are too many for a path."""
    if content.size > _PATH_LIMIT:
        raise ItemLost(f"{content.size:,} bytes, too many for a path")
    with store.scratch() as path:
        contents.copy(replace(content, size=content.size or _PATH_LIMIT), path)
        return path.read_bytes()


class _Prefixed:
    """Bytes that were read, and the rest of the file that they are from."""

    def __init__(self, first: bytes, rest: Readable) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, as a file does."""
        end = len(self._first) if size < 0 else size
        first, self._first = self._first[:end], self._first[end:]
        return first or self._rest.read(size)


def _read_up_to(file: Readable, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def files_allowed(contents: Contents, run: PlannedRun) -> AllowedFiles:
    """Return the files of this machine that a W&B run may send."""
    return AllowedFiles(tuple(Path(root) for root in run.path_roots), contents.own_folder)


def _made_files(planned: PlannedFile, path: Path) -> list[ReadyFile]:
    """Return the files that a conversion wrote, with their names in the W&B artifact."""
    if planned.form in _FILE_SUFFIXES:
        return [_ready(f"{planned.stem}{_FILE_SUFFIXES[planned.form]}", path)]
    files = _files_in(path)
    if planned.form in {Form.PLUGIN, Form.MEDIA} and len(files) == 1:
        return [_ready(f"{planned.stem}{files[0].suffix}", files[0])]
    return [_below(planned.stem, path, file) for file in files]


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _below(stem: str, folder: Path, path: Path) -> ReadyFile:
    return _ready(f"{stem}/{path.relative_to(folder).as_posix()}", path)


def _included_name(sha1: str) -> str:
    return f"{sha1}.included"


def _ready(name: str, path: Path) -> ReadyFile:
    return ReadyFile(path=name, size=path.stat().st_size, local=path)


def _suffix(encoding: str) -> str:
    """Return the file suffix for an encoding."""
    safe = re.sub(r"[^A-Za-z0-9_\-.]", "_", encoding)[:_SUFFIX_LIMIT].strip(".")
    return f".{safe or 'bin'}"
