"""What a `pathlib.Path` of the flow run points at: a file, a folder, a URI, or nothing here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from mfwb import pickles
from mfwb.errors import ItemLost
from mfwb.payload.allowed import PATHS
from mfwb.payload.found import Found
from mfwb.planning import Form
from mfwb.ports import ReadyFile

__all__ = ["files_of_path", "load_path"]

_URI = re.compile(r"(s3|s3a|s3n|gs|gcs|https?|abfss?|wasbs?|az|hdfs):/+(?=[^/])", re.IGNORECASE)


def load_path(data: bytes) -> PurePath:
    """Return a pickled path as a pure one, whatever machine it is from; ItemLost if it is none."""
    try:
        path = pickles.loads(data, PATHS)
    except Exception as error:  # a damaged pickle can raise anything
        raise ItemLost(f"its pickle can't be read ({type(error).__name__}: {error})") from error
    if not isinstance(path, PurePath):
        raise ItemLost(f"a {type(path).__name__} is no path")
    return path


def files_of_path(path: PurePath, stem: str) -> Found:
    """Return the files at a path, named as W&B's own decorator names them.

    Args:
        path: as the flow run recorded it.
        stem: where the artifact goes in its W&B artifact; all but its last part is a folder.
    """
    folder = PurePosixPath(stem).parent
    uri = _URI.match(path.as_posix())
    if uri:
        # Path("s3://b/k") has lost a slash on its way.
        text = f"{uri[1].lower()}://{path.as_posix()[uri.end() :]}"
        return Found(Form.PATH, [ReadyFile(path=str(folder / path.name), size=0, uri=text)])
    if type(path) is not type(PurePath()):
        raise ItemLost(f"the path does not exist on this machine: {path}")
    if not path.is_absolute():
        raise ItemLost(f"a relative path, and Metaflow does not record what it starts from: {path}")
    try:
        return _found_at(Path(os.path.abspath(path)), folder)  # noqa: PTH100 - links keep their names
    except (OSError, ValueError) as error:  # no permission, too long a name, a NUL in it
        raise ItemLost(f"the path can't be read on this machine: {error}") from error


def _found_at(path: Path, folder: PurePosixPath) -> Found:
    if not path.exists():
        raise ItemLost(f"the path does not exist on this machine: {path}")
    if path.is_dir():
        return _in_directory(path, folder)
    reason = _reason_against(path, path.resolve())
    if reason is not None:
        raise ItemLost(f"{reason}: {path}")
    return Found(Form.PATH, [_ready(path, folder / path.name)])


def _in_directory(top: Path, folder: PurePosixPath) -> Found:
    failures: list[OSError] = []
    real_top = top.resolve()
    found = Found(Form.PATH, [])
    for path in _walk(top, failures):
        name = path.relative_to(top).as_posix()
        reason = _reason_against(path, real_top)
        if reason is None:
            found.files.append(_ready(path, folder / name))
        else:
            found.missing[name] = reason
    for failure in failures:
        found.missing[os.path.relpath(failure.filename, top)] = f"it can't be read: {failure}"
    if not found.files and not found.missing:
        raise ItemLost(f"there is no file in the folder: {top}")
    return found


def _walk(top: Path, failures: list[OSError]) -> Iterator[Path]:
    """Yield the files below a folder and the links to folders, which are not followed."""
    for parent, folders, files in os.walk(top, onerror=failures.append):
        folders.sort()
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*files, *links]):
            yield Path(parent, name)


def _reason_against(path: Path, real_top: Path) -> str | None:
    if path.is_symlink() and not path.resolve().is_relative_to(real_top):
        return "it is a link that leads out of the folder"
    if path.is_dir():
        return "it is a link to a folder"
    if not path.is_file():  # opening a pipe would wait for ever
        return "it is no file"
    return None if os.access(path, os.R_OK) else "it must not be read"


def _ready(path: Path, name: PurePosixPath) -> ReadyFile:
    return ReadyFile(path=name.as_posix(), size=path.stat().st_size, local=path)
