"""Blobs of a local datastore."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from mfwb.errors import ItemLost, SourceError
from mfwb.files.rooted_files import (
    NotAFileError,
    OutsideRootError,
    open_below,
    read_below,
    read_start_below,
    resolve_below,
)
from mfwb.operations import note_operation
from mfwb.ports import BlobLocation
from mfwb.source.datastore.blobs import GONE, Blob, is_gzipped

__all__ = ["LocalBlobs"]


_T = TypeVar("_T")

_METADATA_LIMIT = 64_000  # bytes; Metaflow writes forty
_SINGLE_FILE_ERRORS = frozenset({errno.ELOOP, errno.EFBIG, None})
"""Errors of this one file: a loop of links, or a side metadata file that is too large."""


class LocalBlobs:
    """Reads files without Metaflow, which takes a folder without permission for an empty one."""

    readers = 1  # there is no waiting time, and a thread costs more than a file

    def __init__(self, root: str, linked_folders: Sequence[Path] = ()) -> None:
        """Read below a folder; links may lead out of it only into the linked folders."""
        self._root = Path(root)
        self._linked_folders = tuple(linked_folders)

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if there is no such file."""
        note_operation("datastore", f"open {path}")
        stream = self._file(path)
        if stream is None:
            yield None
            return
        with stream:
            written_at = os.fstat(stream.fileno()).st_mtime_ns // 1_000_000
            yield Blob(stream, partial(self._is_gzipped, path), written_at)

    def read_start(self, path: str, size: int) -> bytes | None:
        """Return the first bytes of a file, at most `size`; None if there is no such file."""
        note_operation("datastore", f"open {path}")
        return self._without_missing(read_start_below, path, size)

    def locate(self, path: str) -> BlobLocation:
        """Return the URI and the size of a file; ItemLost if there is none."""
        stream = self._file(path)
        if stream is None:
            raise ItemLost(GONE)
        with stream:
            size = os.fstat(stream.fileno()).st_size
        uri = (self._root / path).absolute().as_uri()
        return BlobLocation(uri, size, etag=None, gzipped=self._is_gzipped(path))

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all files and links below a folder; no link to a folder is followed.

        Whether a link may be read is decided when it is opened.
        """
        note_operation("datastore", f"list {folder}")
        try:
            top = resolve_below(self._root, folder, linked_folders=self._linked_folders)
            pending = [(top, "")]
            while pending:
                path, prefix = pending.pop()
                with os.scandir(path) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            pending.append((Path(entry.path), f"{prefix}{entry.name}/"))
                        else:
                            yield f"{prefix}{entry.name}"
        except (FileNotFoundError, NotADirectoryError):
            self._assert_root()
        except OSError as error:
            raise _failure(error) from error

    def _file(self, path: str) -> BinaryIO | None:
        return self._without_missing(open_below, path)

    def _without_missing(self, read: Callable[..., _T], path: str, *arguments: int) -> _T | None:
        """Return what a function reads from a file below the root; None: there is no such file."""
        try:
            return read(self._root, path, *arguments, linked_folders=self._linked_folders)
        except FileNotFoundError:
            self._assert_root()
            return None
        except OSError as error:
            raise _failure(error) from error

    def _is_gzipped(self, path: str) -> bool:
        try:
            metadata = read_below(
                self._root,
                f"{path}_meta",
                max_bytes=_METADATA_LIMIT,
                linked_folders=self._linked_folders,
            )
        except FileNotFoundError:
            return is_gzipped(None)
        except OSError as error:
            raise _failure(error) from error
        return is_gzipped(metadata)

    def _assert_root(self) -> None:
        """Raise SourceError if the whole datastore is missing, not just one file."""
        if not self._root.is_dir():
            raise SourceError(f"Metaflow's datastore does not exist: {self._root}")


def _failure(error: OSError) -> SourceError | ItemLost:
    """Return ItemLost if only this blob is affected, else SourceError for the whole datastore."""
    if isinstance(error, OutsideRootError):
        return ItemLost(
            f"a link leads out of Metaflow's datastore: {error}; name that folder with "
            "--datastore-root if it is yours"
        )
    if isinstance(error, NotAFileError) or error.errno in _SINGLE_FILE_ERRORS:
        return ItemLost(f"it can't be read: {error}")
    return SourceError(f"Metaflow's datastore can't be read: {error}")
