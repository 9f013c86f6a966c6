"""Formats of pictures, sounds, films and documents, told by the first bytes of a file.

The table has the formats that W&B or a browser shows, each by the magic number of its standard. A
package for this (`filetype`, `puremagic`) knows hundreds of others, and would be one more
dependency for a dozen lines. A magic number that lies costs nothing: it decides on the name of the
file, and whether there is a panel is decided by a confined process that reads the whole content.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AUDIO",
    "HEAD",
    "HTML",
    "IMAGE",
    "PANELS",
    "PLOTLY",
    "VIDEO",
    "format_of_bytes",
    "format_of_text",
    "is_markdown_name",
]

HEAD = 1_000
"""Bytes of a file that are enough to know its format."""

IMAGE, AUDIO, VIDEO = "image-file", "audio-file", "video-file"
HTML, PLOTLY = "html-file", "plotly-file"
"""W&B's types of panels that show a file."""

PANELS = {
    **dict.fromkeys(("png", "jpg", "webp"), IMAGE),
    **dict.fromkeys(("wav", "mp3", "ogg", "flac"), AUDIO),
    **dict.fromkeys(("mp4", "webm", "gif"), VIDEO),  # W&B's pages play a GIF as a film
    **dict.fromkeys(("html", "md"), HTML),
}
"""By format, as the suffix of its files: W&B's type of a panel. W&B has none for a PDF."""


class _Magic(NamedTuple):
    suffix: str
    start: bytes
    more: bytes = b""
    offset: int = 0


_MAGIC = (
    _Magic("png", b"\x89PNG\r\n\x1a\n"),
    _Magic("jpg", b"\xff\xd8\xff"),
    _Magic("gif", b"GIF87a"),
    _Magic("gif", b"GIF89a"),
    _Magic("webp", b"RIFF", b"WEBP", 8),
    _Magic("wav", b"RIFF", b"WAVE", 8),
    _Magic("mp3", b"ID3"),
    _Magic("ogg", b"OggS"),
    _Magic("flac", b"fLaC"),
    _Magic("pdf", b"%PDF-"),
)
_MP4_BRANDS = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"})
_HTML_STARTS = ("<!doctype html", "<html")
_MARKDOWN_NAMES = frozenset({"markdown", "readme", "md"})
_MARKDOWN_ENDS = ("_md", "_markdown")


def format_of_bytes(head: bytes) -> str | None:
    """Return the format of a file by its first bytes, as the suffix of such files; None: unknown.

    Args:
        head: the first bytes, HEAD of them or the whole file.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _MP4_BRANDS:
        return "mp4"
    for magic in _MAGIC:
        end = magic.offset + len(magic.more)
        if head.startswith(magic.start) and head[magic.offset : end] == magic.more:
            return magic.suffix
    return "webm" if _is_webm(head) else None


def _is_webm(head: bytes) -> bool:
    """Return whether this is a Matroska file whose type, near its start, is `webm`."""
    return head.startswith(b"\x1aE\xdf\xa3") and b"\x42\x82\x84webm" in head[:64]


def format_of_text(head: str) -> str | None:
    """Return `html` for the start of an HTML document; None for any other text."""
    start = head.lstrip("\ufeff \t\r\n").lower()
    if start.startswith("<?xml"):
        start = start.partition("?>")[2].lstrip()
    return "html" if start.startswith(_HTML_STARTS) else None


def is_markdown_name(name: str) -> bool:
    """Return whether the name of an artifact says that its text is Markdown."""
    lowered = name.lower()
    return lowered in _MARKDOWN_NAMES or lowered.endswith(_MARKDOWN_ENDS)
