"""Copies of local files, with checksums and a size limit."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

from mfwb.errors import ItemLost
from mfwb.ports import Readable

__all__ = ["CopiedFile", "copy_file", "too_many_bytes"]

_CHUNK = 1 << 20


class CopiedFile(NamedTuple):
    """Size and checksums of a copied file."""

    size: int
    sha1: str  # in hexadecimal
    md5: str  # in base64, as W&B takes it


def copy_file(
    file: Readable,
    target: Path,
    *,
    max_bytes: int | None,
    limit: int | None,
    kind: str = "datasets",
) -> CopiedFile:
    """Copy an open file to a path; return its size and checksums.

    Args:
        file: read to its end.
        target: path of the copy.
        max_bytes: bytes that the file may have; None: any number.
        limit: the user's limit for the artifact that the file is part of.
        kind: the switch of the kind that the limit is for.

    Raises:
        ItemLost: the file has more than `max_bytes` bytes.
        OSError: the file can't be read.
    """
    sha1, md5 = hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False)
    size = 0
    with target.open("wb") as out:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise too_many_bytes(limit, kind)
            sha1.update(chunk)
            md5.update(chunk)
            out.write(chunk)
    return CopiedFile(size, sha1.hexdigest(), base64.b64encode(md5.digest()).decode())


def too_many_bytes(limit: int | None, kind: str) -> ItemLost:
    """Return the error for files that are larger than the settings allow for their kind."""
    return ItemLost(f"more than the {limit:,} bytes that max_artifact_size allows for {kind}")
