"""The bytes of a flow run without its logs, which no artifact needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mfwb.allowed_files import AllowedFiles
from mfwb.planning import Content
from mfwb.ports import Contents, Located, LogLine
from mfwb.snapshot import Card

__all__ = ["WithoutLogs"]


class WithoutLogs:
    """`mfwb.ports.Contents` where no task printed anything."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @property
    def own_folder(self) -> Path | None:
        """The folder that it ran in, if it is the user's own flow run of this machine."""
        return self._contents.own_folder

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the bytes of small artifacts by sha1."""
        return self._contents.load(contents)

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes of an artifact, unchecked; ItemLost if they can't be had."""
        return self._contents.head(content, size)

    def copy(self, content: Content, path: Path) -> str:
        """Stream an artifact's bytes into a file, return their md5; ItemLost."""
        return self._contents.copy(content, path)

    def locate(self, content: Content) -> Located | None:
        """Return where an artifact's bytes lie; ItemLost, SourceError."""
        return self._contents.locate(content)

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Write what an IncludeFile holds into a file, return its md5; ItemLost."""
        return self._contents.copy_included(content, path, allowed=allowed, limit=limit)

    def log(self, task: str, *, most: int) -> Iterable[LogLine]:  # noqa: ARG002 - that is the point
        """Return nothing, and read nothing."""
        return ()

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card's HTML into a file; ItemLost if it can't be had."""
        self._contents.copy_card(task, card, path)
