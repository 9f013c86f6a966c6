"""What a `pathlib.Path` of the flow run points at: a file, a folder, a URI, or nothing here.

Files are copied, from the very file that was found to be allowed: whoever may write there could
put a link to another one in its place before W&B's SDK reads it, and an offline bundle has to hold
all that is to be pushed.
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
"""Names of one folder that are looked at."""

_TOLD = 100
"""Files that are not there of which each is a loss with a reason of its own."""

StoreFile = Callable[[BinaryIO, str], ReadyFile]
"""Copies an open file, and returns it by a name in the W&B artifact; ItemLost, OSError."""


def read_path_files(
    path: PurePath, stem: str, *, allowed: AllowedFiles, keep: StoreFile
) -> ArtifactFiles:
    """Return the files at a path, named as W&B's own decorator names them.

    Args:
        path: as the flow run recorded it.
        stem: where the artifact goes in its W&B artifact; all but its last part is a folder.
        allowed: the files of this machine that the flow run may send.
        keep: what copies them.
    """
    folder = PurePosixPath(stem).parent
    uri = uri_in(path)
    if uri:
        # Path("s3://b/k") has lost a slash on its way.
        text = f"{uri[1].lower()}://{path.as_posix()[uri.end() :]}"
        return ArtifactFiles(Form.PATH, [ReadyFile(path=str(folder / path.name), size=0, uri=text)])
    if type(path) is not type(PurePath()):
        raise ItemLost(f"the path does not exist on this machine: {path}")
    if not path.is_absolute():
        raise ItemLost(f"a relative path, and Metaflow does not record what it starts from: {path}")
    here = Path(os.path.abspath(path))  # noqa: PTH100 - links keep their names
    resolved = allowed.resolve(here)  # before it is looked at: what is there is nobody's business
    try:
        if not resolved.exists():
            raise ItemLost(f"the path does not exist on this machine: {path}")
        if resolved.is_dir():
            return _in_directory(here, folder, allowed, keep)
        return ArtifactFiles(
            Form.PATH, [_kept(resolved, (folder / here.name).as_posix(), allowed, keep)]
        )
    except OSError as error:  # no permission, too long a name
        raise ItemLost(f"the path can't be read on this machine: {error}") from error


def _in_directory(
    top: Path, folder: PurePosixPath, allowed: AllowedFiles, keep: StoreFile
) -> ArtifactFiles:
    real_top = top.resolve()
    found = ArtifactFiles(Form.PATH, [])
    more = 0
    for path, reason in _walk(top, real_top, allowed):
        name = _readable(path.relative_to(top).as_posix())
        why = reason
        if not why and len(found.files) == FILES_LIMIT:
            more += 1
            continue
        if not why:
            try:
                found.files.append(_kept(path, (folder / name).as_posix(), allowed, keep))
            except ItemLost as error:
                why = str(error)
        if why and len(found.missing) < _TOLD:
            found.missing[name] = why
        elif why:
            more += 1
    if more:
        found.missing["..."] = f"{more:,} more, of a folder of more than {FILES_LIMIT:,} files"
    if not found.files and not found.missing:
        raise ItemLost(f"there is no file in the folder: {top}")
    return found


def _walk(top: Path, real_top: Path, allowed: AllowedFiles) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, each with why it does not go along, if it does not.

    Links to folders are not followed. So large a folder that nobody can want it to go along is not
    looked through to its end.
    """
    waiting = [top]
    looked_at = 0
    while waiting and looked_at < _ENTRIES_LIMIT:
        folder = waiting.pop()
        try:
            entries = _listed(folder)
        except OSError as error:
            yield folder, f"it can't be read: {error}"
            continue
        looked_at += len(entries)
        inner = []
        for entry in entries:
            path = Path(entry.path)
            reason = _reason_against(path, entry, real_top, allowed)
            if reason is None:
                inner.append(path)
            else:
                yield path, reason
        waiting += reversed(inner)


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name, files first."""
    entries: list[os.DirEntry[str]] = []
    with os.scandir(folder) as found:
        for entry in found:
            entries.append(entry)
            if len(entries) == _ENTRIES_LIMIT:
                break
    return sorted(entries, key=lambda one: (one.is_dir(follow_symlinks=False), one.name))


def _reason_against(
    path: Path, entry: os.DirEntry[str], real_top: Path, allowed: AllowedFiles
) -> str | None:
    """Return why what lies in a folder does not go along: empty if it does, None for a folder."""
    if _readable(entry.name) != entry.name:
        return "its name is no UTF-8"
    if entry.is_symlink() and not _stays(path, real_top):
        return "it is a link that leads out of the folder"
    if not allowed.allows(path):
        return "it is hidden, which takes --path-root"
    if entry.is_dir(follow_symlinks=False):
        return None
    if entry.is_dir():
        return "it is a link to a folder"
    return "" if entry.is_file() else "it is no file"  # opening a pipe would wait for ever


def _stays(link: Path, real_top: Path) -> bool:
    try:
        return link.resolve().is_relative_to(real_top)
    except (OSError, RuntimeError):  # a loop
        return False


def _readable(name: str) -> str:
    """Return a name with what is no UTF-8 spelled out."""
    return name.encode("utf-8", "backslashreplace").decode()


def _kept(path: Path, name: str, allowed: AllowedFiles, keep: StoreFile) -> ReadyFile:
    try:
        with allowed.open(path) as file:
            return keep(file, name)
    except PermissionError:
        raise ItemLost("it must not be read") from None
    except NotAFileError:
        raise ItemLost(f"it is no file: {path}") from None
    except OSError as error:
        raise ItemLost(f"it can't be read: {error}") from error
