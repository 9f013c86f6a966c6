"""Expected files: what of an artifact's files, and of its losses, is known without converting it.

A plan looks at all that a sync reads, but keeps and converts nothing of it. Large artifacts are
opened and not read to their end, so a damaged end shows only in a sync.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from mfwb.conversion.path_values import load_path
from mfwb.errors import ItemLost
from mfwb.files.content_store import Store
from mfwb.payload.checkpoints import copy_checkpoint
from mfwb.payload.copied_files import too_many_bytes
from mfwb.payload.file_names import make_names_safe
from mfwb.payload.files import CONVERSIONS, files_allowed, mask_code, read_path
from mfwb.payload.model import ArtifactFiles
from mfwb.payload.overview import with_file_rules
from mfwb.payload.paths import read_path_files
from mfwb.planning import (
    Content,
    Form,
    OutputArtifact,
    PlannedCheckpoint,
    PlannedFile,
    PlannedRun,
)
from mfwb.ports import CodeFile, Contents, ExpectedFiles, Readable, ReadyFile
from mfwb.redaction import Masked, Masker
from mfwb.snapshot import Loss

__all__ = ["Expectations"]

READ_WHOLE = 1_000_000
"""Bytes; a smaller artifact is read to its end, which shows whether it is damaged."""

_CHUNK = 1 << 20


class Expectations:
    """What is known of the files of a W&B run's artifacts; each content is looked at once."""

    def __init__(self, contents: Contents, store: Store, masker: Masker) -> None:
        """Prepare to look at artifacts.

        Args:
            contents: source of their bytes.
            store: gives room for a file at a time; nothing is kept in it.
            masker: knows what a secret is.
        """
        self._contents = contents
        self._masker = masker
        self.masked: list[Masked] = []  # the artifacts in which secrets were found
        self._store = store
        self._unreadable: dict[str, str] = {}  # reasons by sha1; empty: it can be read

    def of_run(self, run: PlannedRun, losses: list[Loss]) -> dict[str, ExpectedFiles]:
        """Return the files of each artifact that a W&B run will log, by its planned name.

        Args:
            run: the planned W&B run.
            losses: what will be lost is added to it.
        """
        expected = {}
        for artifact in run.outputs:
            rules = with_file_rules(run, artifact.name)
            known = list(self._of_artifact(artifact, replace(run, **rules), losses))
            if known:
                expected[artifact.name] = ExpectedFiles(
                    size=sum(files.size for files in known),
                    is_estimate=any(files.is_estimate for files in known),
                    number=sum(files.number for files in known),
                    linked=sum(files.linked for files in known),
                )
        return expected

    def _of_artifact(
        self, artifact: OutputArtifact, run: PlannedRun, losses: list[Loss]
    ) -> Iterator[ExpectedFiles]:
        for planned in artifact.files:
            item = planned.content.pathspec
            try:
                files, missing = self._of_file(planned, run)
            except ItemLost as error:
                losses.append(Loss(item, str(error)))
            else:
                losses += [Loss(f"{item}/{name}", why) for name, why in missing.items()]
                if files.number:
                    yield files

    def _of_file(
        self, planned: PlannedFile, run: PlannedRun
    ) -> tuple[ExpectedFiles, dict[str, str]]:
        """Return what is known of one artifact's files, and the missing parts; ItemLost."""
        content = planned.content
        checkpoint = run.checkpoint(content)
        if checkpoint is not None:
            return self._of_checkpoint(planned, checkpoint)
        if planned.form is Form.PATH:
            return _known(self._of_path(planned, run))
        if planned.form is Form.CODE:
            return _known(self._of_code(planned))
        if planned.form is Form.INCLUDE:
            self._check_included(content, run)
            return ExpectedFiles(content.size, is_estimate=not content.size), {}
        if planned.form is Form.REFERENCE:
            located = self._contents.locate(content)
            if located is not None:
                return ExpectedFiles(located.size, linked=located.size), {}
        self._check_bytes(content)
        is_estimate = planned.form in CONVERSIONS or not content.size
        return ExpectedFiles(content.size, is_estimate=is_estimate), {}

    def _check_bytes(self, content: Content) -> None:
        """Raise ItemLost if an artifact is gone, or is seen to be damaged."""
        reason = self._unreadable.get(content.sha1)
        if reason is None:
            try:
                if 0 < content.size <= READ_WHOLE:
                    with self._store.scratch() as path:
                        self._contents.copy(content, path)
                else:
                    self._contents.head(content, 1)
                reason = ""
            except ItemLost as error:
                reason = str(error)
            self._unreadable[content.sha1] = reason
        if reason:
            raise ItemLost(reason)

    def _check_included(self, content: Content, run: PlannedRun) -> None:
        allowed = files_allowed(self._contents, run)
        if 0 < content.size <= READ_WHOLE:
            with self._store.scratch() as path:
                self._contents.copy_included(content, path, allowed=allowed, limit=run.file_limit)
        else:
            self._contents.check_included(content, allowed=allowed, limit=run.file_limit)

    def _of_path(self, planned: PlannedFile, run: PlannedRun) -> ArtifactFiles:
        path = load_path(read_path(planned.content, self._contents, self._store))
        room = run.file_limit

        def measure(file: BinaryIO, name: str) -> ReadyFile:
            nonlocal room
            size = os.fstat(file.fileno()).st_size
            if room is not None and size > room:
                raise too_many_bytes(run.file_limit, "datasets")
            room = None if room is None else room - size
            return ReadyFile(name, size)

        return read_path_files(
            path, planned.stem, allowed=files_allowed(self._contents, run), keep=measure
        )

    def _of_code(self, planned: PlannedFile) -> ArtifactFiles:
        sizes: dict[str, int] = {}
        masked: set[str] = set()

        def measure(file: CodeFile) -> None:
            stream, is_masked = mask_code(file, self._masker)
            sizes[file.name] = _count_bytes(stream)
            masked.discard(file.name)
            if is_masked:
                masked.add(file.name)

        with self._store.scratch() as packed:
            excluded = self._contents.read_code(planned.content, packed, measure)
        if not sizes and not excluded.unreadable:
            raise ItemLost("it has no file of the flow")
        if masked:
            self.masked.append(Masked(planned.content.pathspec, len(masked)))
        files = [ReadyFile(name, size) for name, size in sizes.items()]
        return ArtifactFiles(Form.CODE, files, missing=dict(excluded.unreadable))

    def _of_checkpoint(
        self, planned: PlannedFile, checkpoint: PlannedCheckpoint
    ) -> tuple[ExpectedFiles, dict[str, str]]:
        """Return what is known of a checkpoint's files; a large one is only listed."""
        reference = checkpoint.reference
        is_small = reference.size is not None and reference.size <= READ_WHOLE
        if planned.form is not Form.REFERENCE and is_small:
            limit = checkpoint.limit

            def measure(stream: Readable, name: str, room: int | None) -> ReadyFile:
                size = _count_bytes(stream)
                if room is not None and size > room:
                    raise too_many_bytes(limit, "models")
                return ReadyFile(name, size)

            return _known(copy_checkpoint(planned, checkpoint, self._contents, measure))
        located = self._contents.locate_checkpoint(planned.content.task, reference)
        if located is None:
            return ExpectedFiles(reference.size or 0, is_estimate=True), {}
        size = sum(location.size for _, location in located)
        if planned.form is Form.REFERENCE:
            return ExpectedFiles(size, number=len(located), linked=size), {}
        is_tar = any(not name for name, _ in located)
        if checkpoint.limit is not None and size > checkpoint.limit and not is_tar:
            raise too_many_bytes(checkpoint.limit, "models")
        return ExpectedFiles(size, is_estimate=is_tar, number=len(located)), {}


def _known(files: ArtifactFiles) -> tuple[ExpectedFiles, dict[str, str]]:
    """Return what is known of files that have been found, with all that is missing."""
    safe = make_names_safe(files)
    linked = sum(file.size for file in safe.files if file.uri is not None)
    size = sum(file.size for file in safe.files)
    return ExpectedFiles(size, number=len(safe.files), linked=linked), safe.missing


def _count_bytes(stream: Readable) -> int:
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
    return size
