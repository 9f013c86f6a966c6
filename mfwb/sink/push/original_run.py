"""A W&B run as it lies in a bundle: read with the eyes of somebody who does not trust it."""

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
from mfwb.sink.push.vetting import vetted

__all__ = ["Original", "original_of", "verify"]


@dataclass(frozen=True, slots=True)
class Original:
    """Its place in the bundle, and the files that may be sent with it."""

    bundled: BundledRun
    manifest: Manifest

    @property
    def level(self) -> int:
        """All that this W&B run uses has been logged by lower ones."""
        return self.bundled.level

    @property
    def files(self) -> str:
        """The folder of what its summary shows, from the bundle."""
        return f"{self.bundled.name}/files"

    def records(self) -> Iterator[pb.Record]:
        """Yield its records; BundleChanged if one is not as mfwb writes it."""
        one = self.bundled
        try:
            with open_in_bundle(one.bundle, one.file) as file:
                yield from vetted(records_in(file), self.manifest, self.files, one.run_id)
        except (OSError, ValueError) as error:
            raise self.changed(str(error)) from error

    def open(self, name: str) -> BinaryIO:
        """Return a file of the bundle; BundleChanged if there is no file of its own any more."""
        try:
            return open_in_bundle(self.bundled.bundle, name)
        except OSError as error:
            raise self.changed(str(error)) from error

    def path_of(self, name: str) -> Path:
        """Return where a file of the bundle is; errors as of `open`."""
        self.open(name).close()
        return self.bundled.bundle / name

    def changed(self, what: str) -> BundleChanged:
        """Return the error that ends a push."""
        return _changed(self.bundled.bundle, f"{self.bundled.file}: {what}")


def original_of(bundled: BundledRun, checksums: Checksums) -> Original:
    """Return a W&B run of a bundle, whose records may be read.

    BundleChanged if its manifest is not there, or is none, or its records are not those of it.

    Args:
        bundled: its place.
        checksums: of the bundle.
    """
    try:
        original = Original(bundled, bundled.manifest())
    except BadManifestError as error:
        raise _changed(bundled.bundle, f"{bundled.name}: {error}") from error
    fixed = original.manifest.files.get(bundled.file)
    if fixed is None:
        raise original.changed("it is not in its manifest")
    _check(checksums, bundled.bundle, bundled.file, fixed)
    return original


def verify(
    bundle: Path, originals: Iterable[Original], checksums: Checksums, pool: Executor
) -> None:
    """Make sure that all files that will be sent are what the sync wrote, and lie in the bundle.

    Whether records are like ours, is told as they are read. A file whose checksum is known, and
    that has not been touched since, is not read again.

    Raises:
        BundleChanged: it is not; nothing must be sent.
    """
    wanted = _wanted(bundle, originals)
    checks = [
        pool.submit(_check, checksums, bundle, name, fixed)
        for name, fixed in sorted(wanted.items())
    ]
    try:
        for one_check in checks:
            one_check.result()
    finally:
        for one_check in checks:
            one_check.cancel()


def _check(checksums: Checksums, bundle: Path, name: str, fixed: FileChecksum) -> None:
    try:
        is_the_same = checksums.matches(name, fixed)
    except OSError as error:
        raise _changed(bundle, f"{name}: {error}") from error
    if not is_the_same:
        raise _changed(bundle, f"{name} is not what it was")


def _wanted(bundle: Path, originals: Iterable[Original]) -> dict[str, FileChecksum]:
    """Return what each file has to be by all manifests."""
    wanted: dict[str, FileChecksum] = {}
    for one in originals:
        for name, fixed in one.manifest.files.items():
            if wanted.setdefault(name, fixed) != fixed:
                raise _changed(bundle, f"{name}: two manifests differ about it")
    return wanted


def _changed(bundle: Path, what: str) -> BundleChanged:
    return BundleChanged(
        f"the bundle {bundle} is not what mfwb wrote: {what}; nothing more is sent of it. "
        "Sync it anew, with --force or into another --dir"
    )
