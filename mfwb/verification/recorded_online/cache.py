"""What several flow runs of one W&B project share: manifests, and what the server can do."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from mfwb.verification.recorded import RecordedFile

__all__ = ["ProjectCache"]

_MAX_FILES = 20_000  # about 6 MB


class ProjectCache:
    """Bounded, and safe to use from several threads.

    Attributes:
        has_log_lines: whether the server returns lines of logs, as far as is known.
    """

    def __init__(self) -> None:
        self.has_log_lines = True
        self._manifests: dict[str, Mapping[str, RecordedFile]] = {}
        self._files = 0
        self._lock = Lock()

    def manifest(self, key: str) -> Mapping[str, RecordedFile] | None:
        """Return the files of a version by its id; None if they are not known."""
        return self._manifests.get(key)

    def keep(self, manifests: Mapping[str, Mapping[str, RecordedFile]]) -> None:
        """Keep manifests by the ids of their versions; if there are too many, drop earlier ones."""
        with self._lock:
            if self._files > _MAX_FILES:
                self._manifests, self._files = {}, 0
            self._manifests.update(manifests)
            self._files += sum(1 + len(files) for files in manifests.values())
