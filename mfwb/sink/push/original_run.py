"""A W&B run in a bundle, whose files are checked before they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.errors import BundleChanged
from mfwb.sink.offline.bundle import BundledRun
from mfwb.sink.offline.manifest import (
    BadManifestError,
    Checksums,
    FileChecksum,
    Manifest,
    open_in_bundle,
)
from mfwb.sink.offline.wandb_file import records_in
from mfwb.sink.push.record_check import check_records

__all__ = ["OriginalRun", "open_original", "verify_files"]


@dataclass(frozen=True, slots=True)
class OriginalRun:
    """A W&B run in a bundle, with the manifest of the files that may be sent with it."""

    bundled: BundledRun
    manifest: Manifest

    @property
    def level(self) -> int:
        """The level of the W&B run; it only uses artifacts of lower levels."""
        return self.bundled.level

    @property
    def files(self) -> str:
        """The folder of the files that its summary shows, relative to the bundle."""
        return f"{self.bundled.name}/files"

    def records(self) -> Iterator[pb.Record]:
        """Yield its records; BundleChanged if one is not as mfwb writes it."""
        run = self.bundled
        try:
            with open_in_bundle(run.bundle, run.file) as file:
                yield from check_records(
                    records_in(file, pb.Record), self.manifest, self.files, run.run_id
                )
        except (OSError, ValueError) as error:
            raise self.changed(str(error)) from error

    def open(self, name: str) -> BinaryIO:
        """Return an open file of the bundle; BundleChanged if it is not a regular file any more."""
        try:
            return open_in_bundle(self.bundled.bundle, name)
        except OSError as error:
            raise self.changed(str(error)) from error

    def path_of(self, name: str) -> Path:
        """Return the path of a file of the bundle; errors as of `open`."""
        self.open(name).close()
        return self.bundled.bundle / name

    def changed(self, detail: str) -> BundleChanged:
        """Return the error that ends a push."""
        return _changed(self.bundled.bundle, f"{self.bundled.file}: {detail}")


def open_original(bundled: BundledRun, checksums: Checksums) -> OriginalRun:
    """Return a W&B run of a bundle, whose `.wandb` file is checked.

    BundleChanged if its manifest is missing or invalid, or if the file has another checksum.

    Args:
        bundled: the W&B run.
        checksums: the checksums of the bundle.
    """
    try:
        original = OriginalRun(bundled, bundled.manifest())
    except BadManifestError as error:
        raise _changed(bundled.bundle, f"{bundled.name}: {error}") from error
    fixed = original.manifest.files.get(bundled.file)
    if fixed is None:
        raise original.changed("it is not in its manifest")
    _check(checksums, bundled.bundle, bundled.file, fixed)
    return original


def verify_files(
    bundle: Path, originals: Iterable[OriginalRun], checksums: Checksums, pool: Executor
) -> None:
    """Make sure that all files that will be sent are in the bundle and as the sync wrote them.

    The records are checked later, when they are read. A file is not read again if its checksum is
    known and it was not modified since.

    Raises:
        BundleChanged: if a file is not as it was written; nothing must be sent then.
    """
    expected = _expected_checksums(bundle, originals)
    checks = [
        pool.submit(_check, checksums, bundle, name, fixed)
        for name, fixed in sorted(expected.items())
    ]
    try:
        for check in checks:
            check.result()
    finally:
        for check in checks:
            check.cancel()


def _check(checksums: Checksums, bundle: Path, name: str, fixed: FileChecksum) -> None:
    try:
        is_unchanged = checksums.matches(name, fixed)
    except OSError as error:
        raise _changed(bundle, f"{name}: {error}") from error
    if not is_unchanged:
        raise _changed(bundle, f"{name} was changed")


def _expected_checksums(bundle: Path, originals: Iterable[OriginalRun]) -> dict[str, FileChecksum]:
    """Return the checksum of each file in all manifests."""
    expected: dict[str, FileChecksum] = {}
    for original in originals:
        for name, fixed in original.manifest.files.items():
            if expected.setdefault(name, fixed) != fixed:
                raise _changed(bundle, f"{name}: two manifests differ about it")
    return expected


def _changed(bundle: Path, detail: str) -> BundleChanged:
    return BundleChanged(
        f"the bundle {bundle} is not what mfwb wrote: {detail}; nothing more is sent of it. "
        "Sync it again, with --force or into another --dir"
    )
