"""Files of an artifact in W&B, each with the file that is expected there."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from mfwb.verification.expected.model import ExpectedFile
from mfwb.verification.recorded import RecordedFile

__all__ = ["FilePair", "is_unlike", "pair_files"]

FilePair = tuple[str, ExpectedFile, RecordedFile]


def pair_files(
    option: Mapping[str, ExpectedFile], files: Mapping[str, RecordedFile]
) -> list[FilePair] | None:
    """Return each file with what it should be; None if these are not the files of an option."""
    pairs: list[FilePair] = []
    met: set[str] = set()
    for path, file in files.items():
        pattern = next((pattern for pattern in option if pattern == path), None) or next(
            (pattern for pattern in option if pattern.endswith("*") and fnmatchcase(path, pattern)),
            None,
        )
        if pattern is None:
            return None
        met.add(pattern)
        pairs.append((path, option[pattern], file))
    return pairs if met == option.keys() else None


def is_unlike(pair: FilePair) -> bool:
    """Return whether a file is not the one that is expected."""
    _, expected, file = pair
    if expected.reference != bool(file.reference):
        return True
    if expected.size is not None and file.size is not None and file.size != expected.size:
        return True
    if file.md5 is not None and expected.md5 is not None and file.md5 != expected.md5:
        return True
    is_empty = file.size == 0 and not file.reference
    return is_empty and expected.size != 0 and not expected.may_be_empty
