"""Files in artifacts, told by how they begin: docs/mapping.md, "Pictures and other media"."""

from __future__ import annotations

import re

from mfwb.pickles.leading_content import leading_content

__all__ = ["IMAGES", "MARKDOWN_NAME", "PANELS", "START", "ending_of"]

START = 2_000
"""Bytes of a pickle that show how its file begins."""

IMAGES = ("png", "jpg", "webp")
PANELS = {
    **dict.fromkeys(IMAGES, "image-file"),
    **dict.fromkeys(("wav", "mp3", "ogg", "flac"), "audio-file"),
    **dict.fromkeys(("mp4", "webm", "gif"), "video-file"),
    **dict.fromkeys(("html", "md"), "html-file"),
}
"""By the ending of the file, what W&B shows."""

MARKDOWN_NAME = re.compile(r"(?:.*_)?(?:md|markdown)|readme", re.IGNORECASE)

_BYTES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"\xff\xd8\xff"), "jpg"),
    (re.compile(rb"GIF8[79]a"), "gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "wav"),
    (re.compile(rb"ID3"), "mp3"),
    (re.compile(rb"OggS"), "ogg"),
    (re.compile(rb"fLaC"), "flac"),
    (re.compile(rb"....ftyp(?:iso[m2456]|mp4[12]|avc1)", re.DOTALL), "mp4"),
    (re.compile(rb"\x1aE\xdf\xa3(?=.{0,60}\x42\x82\x84webm)", re.DOTALL), "webm"),
    (re.compile(rb"%PDF-"), "pdf"),
)
_HTML = re.compile(r"[\ufeff \t\r\n]*(?:<\?xml[^>]*\?>\s*)?<(?:!doctype html|html)", re.IGNORECASE)


def ending_of(pickled: bytes) -> str | None:
    """Return the ending of the file that pickled bytes or a text are; None if they are no file.

    Args:
        pickled: the pickle, or its first START bytes.
    """
    start = leading_content(pickled[:START])
    if isinstance(start, str):
        return "html" if _HTML.match(start) else None
    if start is None:
        return None
    return next((ending for pattern, ending in _BYTES if pattern.match(start)), None)
