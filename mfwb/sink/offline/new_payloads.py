"""The payloads of a bundle that a call adds: those that were there before are not written again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

from mfwb.ports import ReadyRun
from mfwb.sink.offline.bundle import PAYLOADS

__all__ = ["NewPayloads"]


class NewPayloads:
    """Counts the bytes of the payloads that are new in a bundle; thread-safe."""

    def __init__(self, bundle: Path) -> None:
        """Note the payloads that the bundle has; later ones are new."""
        self._folder = bundle / PAYLOADS
        self._known = set(_files_below(self._folder))
        self._lock = Lock()

    def count_new(self, ready: ReadyRun) -> int:
        """Return the bytes of the payloads of a W&B run that are new, and were not counted yet."""
        files = {path for path in _files_of(ready) if path.is_relative_to(self._folder)}
        with self._lock:
            new = files - self._known
            self._known |= new
        return sum(path.lstat().st_size for path in new)


def _files_of(ready: ReadyRun) -> Iterator[Path]:
    """Yield the files of its artifacts; those of panels are linked into the W&B run's folder."""
    for artifact in ready.artifacts:
        yield from (file.local for file in artifact.files if file.local is not None)


def _files_below(folder: Path) -> Iterable[Path]:
    return (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
