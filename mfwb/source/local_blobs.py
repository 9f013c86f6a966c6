"""Blobs in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mfwb.errors import ItemLost, SourceError
from mfwb.ports import Located
from mfwb.source.blobs import GONE, Blob, is_gzipped

__all__ = ["LocalBlobs"]


class LocalBlobs:
    """Reads files itself: Metaflow takes a folder that must not be entered for an empty one."""

    readers = 1  # nothing is waited for, and a thread costs more than a file

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if there is no such file."""
        try:
            stream = (self._root / path).open("rb")
        except FileNotFoundError:
            self._assert_root()
            yield None
            return
        except OSError as error:
            raise _unreadable(error) from error
        with stream:
            written_at = os.fstat(stream.fileno()).st_mtime_ns // 1_000_000
            yield Blob(stream, self._is_gzipped(path), written_at)

    def locate(self, path: str) -> Located:
        """Return the URI and the size of a file; ItemLost if there is none."""
        file = (self._root / path).absolute()
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            self._assert_root()
            raise ItemLost(GONE) from None
        except OSError as error:
            raise _unreadable(error) from error
        return Located(file.as_uri(), size, etag=None, gzipped=self._is_gzipped(path))

    def _is_gzipped(self, path: str) -> bool:
        try:
            return is_gzipped(json.loads((self._root / f"{path}_meta").read_bytes()))
        except FileNotFoundError:
            return is_gzipped(None)
        except OSError as error:
            raise _unreadable(error) from error
        except ValueError:
            raise ItemLost("what Metaflow's datastore says of its encoding is damaged") from None

    def _assert_root(self) -> None:
        """Tell a file that is gone from a disk that is not there."""
        if not self._root.is_dir():
            raise SourceError(f"Metaflow's datastore is not there: {self._root}")


def _unreadable(error: OSError) -> SourceError:
    return SourceError(f"Metaflow's datastore can't be read: {error}")
