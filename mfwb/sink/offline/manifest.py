"""Manifest of a W&B run in a bundle: each file that is sent with it, its size and its sha256.

The manifest is in the folder of the W&B run, and is written just before its `.wandb` file
appears. So it is whole whenever the W&B run is, however a sync ended, and concurrent syncs into
one bundle need not wait for each other.

It shows that a bundle was changed by accident, or by anybody who did not change the manifest. It
does not prove who wrote the bundle: whoever changes a file can also replace the manifest. So a push
accepts only paths inside the bundle's folder in any case.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Annotated, BinaryIO

from pydantic import Field, TypeAdapter, ValidationError

from mfwb.files.private_files import create
from mfwb.files.rooted_files import (
    NotAFileError,
    is_plain_path,
    open_without_links,
    read_below,
)

__all__ = [
    "MANIFEST",
    "BadManifestError",
    "Checksums",
    "FileChecksum",
    "Manifest",
    "copy_file",
    "open_in_bundle",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"

_VERSION = 1
_MAX_MANIFEST_BYTES = 256 * 1024**2  # bytes of a manifest: some million files
_CHUNK_SIZE = 1024**2

_Size = Annotated[int, Field(strict=True, ge=0)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BadManifestError(ValueError):
    """A manifest is missing, or is not one that mfwb writes."""


@dataclass(frozen=True, slots=True)
class FileChecksum:
    """The size and the checksum of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one W&B run, by their paths in the bundle.

    Attributes:
        bundle: the folder of the bundle at that time, which the paths in `.wandb` files begin with.
        files: all files that may be sent with the W&B run.
    """

    bundle: PurePosixPath
    files: Mapping[str, FileChecksum]

    def path_in_bundle(self, local_path: str) -> str | None:
        """Return the path in the bundle for a path in a `.wandb` file; None if it may not be sent.

        The disk is not read.
        """
        path = PurePosixPath(local_path)
        if not path.is_relative_to(self.bundle):
            return None
        name = path.relative_to(self.bundle).as_posix()
        return name if name in self.files else None


@dataclass(frozen=True, slots=True)
class _StoredManifest:
    version: int
    bundle: str
    files: dict[str, tuple[_Size, _Sha256]]


def open_in_bundle(bundle: Path, name: str) -> BinaryIO:
    """Open a file of a bundle for reading; OSError.

    Raises:
        OutsideRootError: the path has a link, which mfwb never creates in a bundle.
        NotAFileError: the path is not a regular file.
    """
    return open_without_links(bundle, name)


def write_manifest(path: Path, bundle: Path, files: Mapping[str, FileChecksum]) -> None:
    """Write the manifest of a W&B run whose folder has none yet."""
    listed = {name: (checksum.size, checksum.sha256) for name, checksum in sorted(files.items())}
    document = {"version": _VERSION, "bundle": str(bundle), "files": listed}
    with create(path) as file:
        file.write(json.dumps(document, separators=(",", ":")).encode())


def read_manifest(bundle: Path, name: str) -> Manifest:
    """Return a manifest; BadManifestError if it is missing or mfwb would not have written it.

    Args:
        bundle: the folder of the bundle.
        name: the path of the manifest in the bundle.
    """
    try:
        with open_in_bundle(bundle, name):
            data = read_below(bundle, name, max_bytes=_MAX_MANIFEST_BYTES)
        stored = _adapter().validate_json(data)
    except FileNotFoundError:
        raise BadManifestError("it has no manifest") from None
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadManifestError(f"its manifest can't be read: {reason}") from None
    if stored.version != _VERSION:
        raise BadManifestError(f"its manifest is of version {stored.version}, not {_VERSION}")
    if invalid := next((path for path in stored.files if not is_plain_path(path)), None):
        raise BadManifestError(f"its manifest names {invalid!r}, which is not a path in a bundle")
    files = {path: FileChecksum(*listed) for path, listed in stored.files.items()}
    return Manifest(PurePosixPath(stored.bundle), files)


@cache
def _adapter() -> TypeAdapter[_StoredManifest]:
    return TypeAdapter(_StoredManifest)


class Checksums:
    """Compute checksums of a bundle's files, each once until it changes; thread-safe."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._cache: dict[tuple[str, int, int, int, int], FileChecksum] = {}
        self._lock = Lock()

    def of(self, names: Iterable[str]) -> dict[str, FileChecksum]:
        """Return the checksums of files, by their paths in the bundle; OSError."""
        return {name: self.checksum(name) for name in names}

    def checksum(self, name: str) -> FileChecksum:
        """Return the checksum of a file; OSError, also if it is not a file of the bundle itself."""
        with open_in_bundle(self._bundle, name) as file:
            status = os.fstat(file.fileno())
            times = (status.st_mtime_ns, status.st_ctime_ns)  # nobody can set the ctime
            key = (name, status.st_ino, status.st_size, *times)
            with self._lock:
                checksum = self._cache.get(key)
            if checksum is None:
                checksum = _digest_file(file)
                with self._lock:
                    self._cache[key] = checksum
        return checksum

    def matches(self, name: str, expected: FileChecksum) -> bool:
        """Whether a file has the expected checksum; OSError as in `checksum`.

        A file of another size is not read: it may be a terabyte of zeros.
        """
        with open_in_bundle(self._bundle, name) as file:
            size = os.fstat(file.fileno()).st_size
        return size == expected.size and self.checksum(name) == expected


def _digest_file(file: BinaryIO) -> FileChecksum:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK_SIZE):
        digest.update(chunk)
        size += len(chunk)
    return FileChecksum(size, digest.hexdigest())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, whose folder may change meanwhile, to a new path; OSError."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{source} is not a file")
    with os.fdopen(descriptor, "rb") as file, create(target) as copy:
        shutil.copyfileobj(file, copy, _CHUNK_SIZE)
