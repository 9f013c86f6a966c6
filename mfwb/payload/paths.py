"""Files behind a `pathlib.Path` artifact: a file, a folder, or a URI.

Files are copied, from the same open file that was checked to be allowed. Otherwise anybody who may
write there could replace it by a link to another file before W&B's SDK reads it. And an offline
bundle has to contain all that is to be pushed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from mfwb.conversion.path_values import uri_in
from mfwb.errors import ItemLost
from mfwb.files.allowed_files import AllowedFiles
from mfwb.files.rooted_files import NotAFileError
from mfwb.payload.model import ArtifactFiles
from mfwb.planning import Form
from mfwb.ports import ReadyFile

__all__ = ["FILES_LIMIT", "StoreFile", "read_path_files"]

FILES_LIMIT = 10_000
"""Files of a folder."""

_ENTRIES_LIMIT = 100_000
"""Entries of one folder that are read."""

_REASONS_LIMIT = 100
"""Missing files that are each reported with a reason; further ones are only counted."""

StoreFile = Callable[[BinaryIO, str], ReadyFile]
"""Copies an open file and returns it under its name in the W&B artifact; or ItemLost, OSError."""


def read_path_files(
    path: PurePath, stem: str, *, allowed: AllowedFiles, keep: StoreFile
) -> ArtifactFiles:
    """Return the files at a path, named as W&B's own decorator names them.

    Args:
        path: as the flow run recorded it.
        stem: name of the artifact inside its W&B artifact; all but the last part is a folder.
        allowed: the local files that the flow run may send.
        keep: copies a file.
    """
    folder = PurePosixPath(stem).parent
    uri = uri_in(path)
    if uri:
        # Path("s3://b/k") removes one of the two slashes.
        text = f"{uri[1].lower()}://{path.as_posix()[uri.end() :]}"
        return ArtifactFiles(Form.PATH, [ReadyFile(path=str(folder / path.name), size=0, uri=text)])
    if type(path) is not type(PurePath()):
        raise ItemLost(f"the path does not exist on this machine: {path}")
    if not path.is_absolute():
        raise ItemLost(f"a relative path, and Metaflow does not record what it starts from: {path}")
    here = Path(os.path.abspath(path))  # noqa: PTH100 - links keep their names
    resolved = allowed.resolve(here)  # before any access: a forbidden path must reveal nothing
    try:
        if not resolved.exists():
            raise ItemLost(f"the path does not exist on this machine: {path}")
        if resolved.is_dir():
            return _read_directory(here, folder, allowed, keep)
        return ArtifactFiles(
            Form.PATH, [_store_file(resolved, (folder / here.name).as_posix(), allowed, keep)]
        )
    except OSError as error:  # no permission, too long a name
        raise ItemLost(f"the path can't be read on this machine: {error}") from error


def _read_directory(
    top: Path, folder: PurePosixPath, allowed: AllowedFiles, keep: StoreFile
) -> ArtifactFiles:
    real_top = top.resolve()
    result = ArtifactFiles(Form.PATH, [])
    more = 0
    for path, reason in _walk(top, real_top, allowed):
        name = _escape(path.relative_to(top).as_posix())
        why = reason
        if not why and len(result.files) == FILES_LIMIT:
            more += 1
            continue
        if not why:
            try:
                result.files.append(_store_file(path, (folder / name).as_posix(), allowed, keep))
            except ItemLost as error:
                why = str(error)
        if why and len(result.missing) < _REASONS_LIMIT:
            result.missing[name] = why
        elif why:
            more += 1
    if more:
        result.missing["..."] = f"{more:,} more, of a folder of more than {FILES_LIMIT:,} files"
    if not result.files and not result.missing:
        raise ItemLost(f"there is no file in the folder: {top}")
    return result


def _walk(top: Path, real_top: Path, allowed: AllowedFiles) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, each with the reason for excluding it, or an empty text.

    Links to folders are not followed. The walk ends after `_ENTRIES_LIMIT` entries: nobody wants
    to upload so large a folder.
    """
    pending = [top]
    seen = 0
    while pending and seen < _ENTRIES_LIMIT:
        folder = pending.pop()
        try:
            entries = _list_entries(folder)
        except OSError as error:
            yield folder, f"it can't be read: {error}"
            continue
        seen += len(entries)
        inner = []
        for entry in entries:
            path = Path(entry.path)
            reason = _reason_against(path, entry, real_top, allowed)
            if reason is None:
                inner.append(path)
            else:
                yield path, reason
        pending += reversed(inner)


def _list_entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, by name, files first."""
    entries: list[os.DirEntry[str]] = []
    with os.scandir(folder) as scanned:
        for entry in scanned:
            entries.append(entry)
            if len(entries) == _ENTRIES_LIMIT:
                break
    return sorted(entries, key=lambda entry: (entry.is_dir(follow_symlinks=False), entry.name))


def _reason_against(
    path: Path, entry: os.DirEntry[str], real_top: Path, allowed: AllowedFiles
) -> str | None:
    """Return the reason for excluding an entry: empty if it is included, None for a folder."""
    if _escape(entry.name) != entry.name:
        return "its name is not UTF-8"
    if entry.is_symlink() and not _stays_inside(path, real_top):
        return "it is a link that leads out of the folder"
    if not allowed.allows(path):
        return "it is hidden, which needs --path-root"
    if entry.is_dir(follow_symlinks=False):
        return None
    if entry.is_dir():
        return "it is a link to a folder"
    return "" if entry.is_file() else "it is not a file"  # opening a pipe would wait for ever


def _stays_inside(link: Path, real_top: Path) -> bool:
    try:
        return link.resolve().is_relative_to(real_top)
    except (OSError, RuntimeError):  # a loop
        return False


def _escape(name: str) -> str:
    """Return a name with bytes that are not UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _store_file(path: Path, name: str, allowed: AllowedFiles, keep: StoreFile) -> ReadyFile:
    try:
        with allowed.open(path) as file:
            return keep(file, name)
    except PermissionError:
        raise ItemLost("it must not be read") from None
    except NotAFileError:
        raise ItemLost(f"it is not a file: {path}") from None
    except OSError as error:
        raise ItemLost(f"it can't be read: {error}") from error
