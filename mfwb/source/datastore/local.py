"""Blobs in a folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mfwb.errors import ItemLost, SourceError
from mfwb.files.rooted_files import NotAFileError, OutsideRootError, open_below, read_below
from mfwb.ports import BlobLocation
from mfwb.source.datastore.blobs import GONE, Blob, is_gzipped

__all__ = ["LocalBlobs"]


_BESIDE_LIMIT = 64_000  # bytes; Metaflow writes forty
_ONE_ALONE = frozenset({errno.ELOOP, errno.EFBIG, None})  # links in a circle; what lies beside it


class LocalBlobs:
    """Reads files itself: Metaflow takes a folder that must not be entered for an empty one."""

    readers = 1  # nothing is waited for, and a thread costs more than a file

    def __init__(self, root: str, also: Sequence[Path] = ()) -> None:
        """Read below a folder; links in it may lead into others, too."""
        self._root = Path(root)
        self._also = tuple(also)

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if there is no such file."""
        stream = self._file(path)
        if stream is None:
            yield None
            return
        with stream:
            written_at = os.fstat(stream.fileno()).st_mtime_ns // 1_000_000
            yield Blob(stream, self._is_gzipped(path), written_at)

    def locate(self, path: str) -> BlobLocation:
        """Return the URI and the size of a file; ItemLost if there is none."""
        stream = self._file(path)
        if stream is None:
            raise ItemLost(GONE)
        with stream:
            size = os.fstat(stream.fileno()).st_size
        uri = (self._root / path).absolute().as_uri()
        return BlobLocation(uri, size, etag=None, gzipped=self._is_gzipped(path))

    def _file(self, path: str) -> BinaryIO | None:
        try:
            return open_below(self._root, path, also=self._also)
        except FileNotFoundError:
            self._assert_root()
            return None
        except OSError as error:
            raise _failure(error) from error

    def _is_gzipped(self, path: str) -> bool:
        try:
            beside = read_below(self._root, f"{path}_meta", most=_BESIDE_LIMIT, also=self._also)
        except FileNotFoundError:
            return is_gzipped(None)
        except OSError as error:
            raise _failure(error) from error
        return is_gzipped(beside)

    def _assert_root(self) -> None:
        """Tell a file that is gone from a disk that is not there."""
        if not self._root.is_dir():
            raise SourceError(f"Metaflow's datastore is not there: {self._root}")


def _failure(error: OSError) -> SourceError | ItemLost:
    """Return what is lost: one blob, if it is at fault itself, or all that is below the root."""
    if isinstance(error, OutsideRootError):
        return ItemLost(
            f"a link leads out of Metaflow's datastore: {error}; name that folder with "
            "--datastore-root if it is yours"
        )
    if isinstance(error, NotAFileError) or error.errno in _ONE_ALONE:
        return ItemLost(f"it can't be read: {error}")
    return SourceError(f"Metaflow's datastore can't be read: {error}")
