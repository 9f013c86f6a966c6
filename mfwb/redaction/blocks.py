"""Secrets on lines of their own: in blocks of YAML, in netrc, in tables of two columns."""

from __future__ import annotations

import re

from mfwb.redaction.assignments import SecretNames, is_innocent, is_random
from mfwb.redaction.mark import MASK

__all__ = ["Blocks", "mask_blocks"]

_OPENING = re.compile(
    r"(?P<indent>[ \t]{0,80})(?:-[ ])?['\"]?(?P<name>[\w\-]{1,80})['\"]?\s?:"
    r"\s{0,4}(?P<block>[|>][+\-0-9]{0,2})?\s{0,9}"
)
_ITEM = re.compile(r"(\s{0,80}-\s{1,4}['\"]?)([^\s'\"]{8,2000})(['\"]?\s{0,9})")
_NAME_AND_VALUE = re.compile(
    r"(\W{0,20}(?P<name>[\w\-]{1,80})[ \t|.]{1,80})(?P<value>[^\s|]{12,2000})([\s|]{0,80})"
)
_LINES = 100  # of a block; a secret with more is a file


class Blocks:
    """Masks the lines of a text, of which one may give a name to those after it."""

    def __init__(self, secret: SecretNames) -> None:
        self._secret = secret
        self._indent = ""
        self._left = 0  # lines that may belong to the block
        self._is_text = False

    def mask(self, line: str) -> str:
        """Return the next line, without its secrets."""
        if self._left:
            masked = self._inside(line)
            if masked is not None:
                self._left -= 1
                return masked
            self._left = 0
        opening = _OPENING.fullmatch(line)
        if opening is not None and self._secret.is_secret(opening["name"]):
            self._left, self._indent = _LINES, opening["indent"]
            self._is_text = opening["block"] is not None
            return line
        cells = _NAME_AND_VALUE.fullmatch(line)
        if cells is None or not self._secret.is_secret(cells["name"]):
            return line
        return f"{cells[1]}{MASK}{cells[4]}" if is_random(cells["value"]) else line

    def _inside(self, line: str) -> str | None:
        """Return a line of the block, masked; None if the block has ended before it."""
        bare = line.lstrip(" \t")
        if not bare.strip():
            return line
        indent = line[: len(line) - len(bare)]
        if self._is_text:
            if len(indent) <= len(self._indent):
                return None
            return line if is_innocent(bare) else indent + MASK
        item = _ITEM.fullmatch(line)
        if item is None or len(indent) < len(self._indent):
            return None
        return line if is_innocent(item[2]) else f"{item[1]}{MASK}{item[3]}"


def mask_blocks(text: str, secret: SecretNames) -> str:
    """Return the text without secrets whose name is on a line before them, or only blanks away."""
    blocks = Blocks(secret)
    lines = text.split("\n")
    masked = [blocks.mask(line) for line in lines]
    return text if masked == lines else "\n".join(masked)
