"""Run folder: the folder of one W&B run in a bundle, with all its files except payloads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from mfwb.files.private_files import make_folder, make_folders, make_private, remove_below
from mfwb.planning import WandbRunId
from mfwb.ports import ReadyArtifact, ReadyFile
from mfwb.sink.offline import messages as pb
from mfwb.sink.offline.bundle import PAYLOADS
from mfwb.sink.offline.manifest import MANIFEST, Checksums, copy_file, write_manifest
from mfwb.sink.offline.wandb_file import write_records

__all__ = ["RunFolder"]


class RunFolder:
    """The files of a W&B run, which counts as written once `finish` has returned."""

    def __init__(self, bundle: Path, path: Path) -> None:
        """Create the folder again, empty; OSError."""
        self._bundle = bundle
        self._numbers = count(1)
        self.path = path
        parts = path.relative_to(bundle).parts
        if os.path.lexists(path):
            remove_below(bundle, "/".join(parts))
        make_folder(bundle)
        self.files = make_folders(bundle, *parts, "files")

    def new_file(self, suffix: str = "") -> Path:
        """Return a new path for a file of an artifact, with a meaningless name."""
        folder = make_folders(self.path, "artifacts")
        return folder / f"{next(self._numbers):04d}{suffix}"

    def copy_into_bundle(self, artifact: ReadyArtifact) -> ReadyArtifact:
        """Return an artifact after copying files from outside into the bundle; OSError.

        A file elsewhere may be changed, deleted or replaced before the bundle is pushed.
        """
        return replace(artifact, files=tuple(self._copy_file(file) for file in artifact.files))

    def _copy_file(self, file: ReadyFile) -> ReadyFile:
        if file.local is None or self._is_inside(file.local):
            return file
        target = self.new_file()
        copy_file(file.local, target)
        # The known checksum may not be that of the copy: the file may have changed meanwhile.
        return replace(file, local=target, md5=None, size=target.stat().st_size)

    def _is_inside(self, path: Path) -> bool:
        return path.is_relative_to(self._bundle / PAYLOADS) or path.is_relative_to(self.path)

    def finish(
        self, run_id: WandbRunId, records: Iterable[pb.Record], checksums: Checksums
    ) -> None:
        """Write the `.wandb` file, which is the last file and appears whole; OSError.

        Args:
            run_id: the id of the W&B run.
            records: all its records.
            checksums: the checksums of the bundle.
        """
        path = self.path / f"run-{run_id}.wandb"
        unfinished = path.with_suffix(".unfinished")
        referenced: set[str] = set()
        write_records(unfinished, self._note_files(records, referenced))
        make_private(self.path)
        checksums_by_name = checksums.of(sorted(referenced))
        checksums_by_name[self._path_in_bundle(path)] = checksums.checksum(
            self._path_in_bundle(unfinished)
        )
        write_manifest(self.path / MANIFEST, self._bundle, checksums_by_name)
        unfinished.rename(path)

    def size(self) -> int:
        """Return the number of bytes of all its files."""
        return _size_below(self.path)

    def _note_files(
        self, records: Iterable[pb.Record], referenced: set[str]
    ) -> Iterator[pb.Record]:
        """Yield records, and collect the files of the bundle that they refer to."""
        for record in records:
            if record.HasField("artifact"):
                paths = (content.local_path for content in record.artifact.manifest.contents)
                referenced.update(self._path_in_bundle(path) for path in paths if path)
            elif record.HasField("files"):
                referenced.update(
                    self._path_in_bundle(self.files / file.path) for file in record.files.files
                )
            yield record

    def _path_in_bundle(self, path: Path | str) -> str:
        start, text = f"{self._bundle}{os.sep}", str(path)
        if os.sep == "/" and text.startswith(start):  # as nearly always; a tenth of the time
            return text[len(start) :]
        return Path(path).relative_to(self._bundle).as_posix()


def _size_below(folder: Path | str) -> int:
    size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                size += _size_below(entry.path)
            elif entry.is_file(follow_symlinks=False):
                size += entry.stat(follow_symlinks=False).st_size
    return size
