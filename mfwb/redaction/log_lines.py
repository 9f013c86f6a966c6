"""Masks the lines of a log one by one; private keys have several lines."""

from __future__ import annotations

from mfwb.redaction.blocks import Blocks
from mfwb.redaction.mark import MASK
from mfwb.redaction.masker import Masker
from mfwb.redaction.private_keys import BEGIN, END, is_inside

__all__ = ["LogMasker"]

_MAX_INSIDE = 500  # lines; a private key has fewer than 100


class LogMasker:
    """Masks the lines of one task's log.

    Attributes:
        marks: how many lines have a mark.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._blocks: dict[str, Blocks] = {}
        self._left: dict[str, int] = {}  # lines that may be parts of a private key, by stream
        self.marks = 0

    def mask(self, stream: str, text: str) -> str:
        """Return a line without its secrets.

        Args:
            stream: stdout or stderr; each has its own private keys.
            text: the line. The lines of a stream have to come in their order.
        """
        if not self._masker.enabled:
            return text
        masked = self._inside(stream, text) if self._left.get(stream) else None
        if masked is None:
            blocks = self._blocks.setdefault(stream, Blocks(self._masker.names))
            masked = blocks.mask(self._masker.mask_text(text))
            if "-----BEGIN" in text and _is_open(text):
                self._left[stream] = _MAX_INSIDE
        self.marks += masked != text
        return masked

    def _inside(self, stream: str, text: str) -> str | None:
        """Return a line of a private key, masked; None if the key has ended before it."""
        end = END.search(text)
        if end is not None:
            self._left[stream] = 0
            body = text[: end.start()]
            return f"{MASK if body.strip() else body}{self._masker.mask_text(text[end.start() :])}"
        if not is_inside(text):
            self._left[stream] = 0
            return None
        self._left[stream] -= 1
        return MASK if text.strip() else text


def _is_open(text: str) -> bool:
    """Whether a private key begins at the end of a line."""
    rest = text[text.rfind("-----BEGIN") :]
    begin = BEGIN.match(rest)
    return begin is not None and not rest[begin.end() :].strip().strip("\\n'\"")
