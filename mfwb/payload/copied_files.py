"""A file of this machine, copied with its checksums, and no further than to a limit."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mfwb.errors import ItemLost

__all__ = ["CopiedFile", "copy_file"]

_CHUNK = 1 << 20


class CopiedFile(NamedTuple):
    """What was copied: how many bytes, and what tells them from others."""

    size: int
    sha1: str  # in hexadecimal
    md5: str  # in base64, as W&B takes it


def copy_file(file: BinaryIO, target: Path, *, most: int | None, limit: int | None) -> CopiedFile:
    """Copy an open file into another one.

    Args:
        file: is read to its end.
        target: is written.
        most: bytes that it may have; None: any number.
        limit: what the user said of the whole that it is part of.

    Raises:
        ItemLost: it has more.
        OSError: it can't be read.
    """
    sha1, md5 = hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False)
    size = 0
    with target.open("wb") as out:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if most is not None and size > most:
                raise ItemLost(
                    f"more than the {limit:,} bytes that max_artifact_size allows for datasets"
                )
            sha1.update(chunk)
            md5.update(chunk)
            out.write(chunk)
    return CopiedFile(size, sha1.hexdigest(), base64.b64encode(md5.digest()).decode())
