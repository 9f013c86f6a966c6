"""File names in a W&B artifact that are safe on every machine: inside the artifact, and unique."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

from mfwb.payload.model import ArtifactFiles
from mfwb.safe_text import has_unstorable

__all__ = ["make_names_safe"]

_PART_LIMIT = 255  # bytes; what file systems take
_PATH_LIMIT = 900  # bytes; what object stores take, and room for what W&B puts before it
_HASH_LENGTH = 8


def make_names_safe(artifact_files: ArtifactFiles) -> ArtifactFiles:
    """Return the files of one artifact under safe names; `renamed` holds the original names.

    Names come from a folder of unknown origin, or from the keys of a dict. A name gets a hash of
    the original if it leads out of the artifact, is too long, begins with a drive as `c:` does,
    contains a backslash or unprintable characters, or differs from another name only by case, which
    is the same file on some systems.
    """
    files, missing, renamed = [], dict(artifact_files.missing), dict(artifact_files.renamed)
    taken = _Taken()
    for file in artifact_files.files:
        if file.local is not None and has_unstorable(str(file.local)):
            missing[file.path] = "its name is not UTF-8, which W&B requires"
            continue
        path = taken.safe(file.path)
        if path != file.path:
            renamed[path] = file.path
        files.append(file if path == file.path else replace(file, path=path))
    if len(files) == len(artifact_files.files) and renamed == artifact_files.renamed:
        return artifact_files
    return replace(artifact_files, files=files, missing=missing, renamed=renamed)


class _Taken:
    """The names in use, compared as on a case-insensitive file system."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def safe(self, path: str) -> str:
        """Return the path, changed if it is unsafe or in use, and mark it as used."""
        name = _inside(path)
        if self._is_below_a_file(name):
            name = name.replace("/", "_")
        if name != path or self._is_taken(name):
            name = _with_hash(name, path)
        number = 2
        candidate = name
        while self._is_taken(candidate):
            candidate = _with_hash(name, f"{path}\0{number}")
            number += 1
        key = _folded(candidate)
        self._files.add(key)
        self._folders.update(_parents(key))
        return candidate

    def _is_taken(self, path: str) -> bool:
        key = _folded(path)
        return key in self._files or key in self._folders or self._is_below_a_file(path)

    def _is_below_a_file(self, path: str) -> bool:
        """Whether a file has the name of one of the path's folders, which is then impossible."""
        return not self._files.isdisjoint(_parents(_folded(path)))


def _parents(path: str) -> list[str]:
    """Return the folders of a relative path, and `.`; cheaper than `PurePosixPath.parents`."""
    if "/" not in path:
        return ["."]
    parts = path.split("/")
    return [".", *("/".join(parts[:end]) for end in range(1, len(parts)))]


def _inside(path: str) -> str:
    """Return the path without parts that lead elsewhere, in printable characters."""
    parts = [_part(part) for part in path.split("/") if part not in ("", ".")]
    inside = "/".join(parts) or "_"
    if (":" in inside or "\\" in inside) and PureWindowsPath(
        inside
    ).drive:  # `c:data`, which W&B refuses
        inside = inside.replace(":", "_", 1)
    if len(inside.encode()) <= _PATH_LIMIT:
        return inside
    return _cut(parts[-1], _PART_LIMIT // 2)


def _part(part: str) -> str:
    if not part.strip("."):
        return "_" * len(part[:_PART_LIMIT])
    if part.isascii() and part.isprintable() and "\\" not in part and len(part) <= _PART_LIMIT:
        return part
    seen = "".join(letter if letter.isprintable() and letter != "\\" else "_" for letter in part)
    return _cut(seen, _PART_LIMIT - _HASH_LENGTH - 1) if len(seen.encode()) > _PART_LIMIT else seen


def _cut(name: str, limit: int) -> str:
    """Return the beginning of a name with its suffix, if that is short enough to be one."""
    if len(name.encode()) <= limit:
        return name
    suffix = PurePosixPath(name).suffix
    end = suffix if len(suffix.encode()) < limit // 4 else ""
    room = limit - len(end.encode())
    return name.encode()[:room].decode("utf-8", "ignore") + end


def _with_hash(name: str, whole: str) -> str:
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    path = PurePosixPath(name)
    stem = _cut(path.stem, _PART_LIMIT - len(path.suffix.encode()) - _HASH_LENGTH - 1)
    return str(path.with_name(f"{stem}-{digest}{path.suffix}"))


def _folded(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
