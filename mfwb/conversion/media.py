"""Pickled bytes and texts that are whole files -> these files."""

from __future__ import annotations

from pathlib import Path

from mfwb import pickles
from mfwb.media_formats import format_of_bytes, format_of_text
from mfwb.pickles.allowlist import PLAIN

__all__ = ["MARKDOWN", "load_media", "write_media"]

MARKDOWN = "md"
"""The format of a text that is no HTML: only those that their name calls Markdown come here."""


def load_media(data: bytes) -> tuple[bytes, str]:
    """Return the content of the file that a pickle holds, and its format; any error if none."""
    value = pickles.loads(data, PLAIN)
    if type(value) is bytes and (known := format_of_bytes(value)):
        return value, known
    if type(value) is str:
        return value.encode(), format_of_text(value) or MARKDOWN
    raise TypeError(f"a {type(value).__name__} that is not a file")


def write_media(data: bytes, folder: Path) -> None:
    """Write the file that a pickle holds into a folder; its suffix says what it is."""
    content, suffix = load_media(data)
    folder.mkdir()
    (folder / f"file.{suffix}").write_bytes(content)
