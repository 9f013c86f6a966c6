"""The bytes of a flow run without its logs, which no artifact needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mfwb.planning import Content
from mfwb.ports import Contents, Located, LogLine
from mfwb.snapshot import Card

__all__ = ["WithoutLogs"]


class WithoutLogs:
    """`mfwb.ports.Contents` where no task printed anything."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

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

    def copy_included(self, content: Content, path: Path) -> None:
        """Write what an IncludeFile holds into a file; ItemLost if it can't be had."""
        self._contents.copy_included(content, path)

    def log(self, task: str) -> Iterable[LogLine]:  # noqa: ARG002 - that is the point
        """Return nothing, and read nothing."""
        return ()

    def card(self, task: str, card: Card) -> str:
        """Return a card's HTML; ItemLost if it can't be had."""
        return self._contents.card(task, card)
