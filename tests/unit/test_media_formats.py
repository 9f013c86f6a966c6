"""Formats of files, told by their first bytes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from mfwb.media_formats import format_of_bytes, format_of_text, is_markdown_name

_EBML = b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\x82\x84"


@pytest.mark.parametrize(
    ("name", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("WEBP", "webp")]
)
def test_images_of_pillow(name: str, suffix: str) -> None:
    """What Pillow writes is known."""
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, format=name)

    assert format_of_bytes(file.getvalue()) == suffix


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", "wav"),
        (b"RIFF\x24\0\0\0AVI LIST", None),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "mp4"),
        (b"\0\0\0\x18ftypmp42", "mp4"),
        (b"\0\0\0\x18ftypheic", None),
        (b"ID3\x04", "mp3"),
        (b"OggS\0", "ogg"),
        (b"fLaC\0", "flac"),
        (_EBML + b"webm", "webm"),
        (_EBML + b"matroska", None),
        (b"%PDF-1.7", "pdf"),
        (b"", None),
        (b"\x89PNG", None),
        (b"plain", None),
    ],
)
def test_bytes(head: bytes, suffix: str | None) -> None:
    """The magic number decides, whole, and where a container has several contents, its type."""
    assert format_of_bytes(head) == suffix


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("<!DOCTYPE html>\n<html>", "html"),
        ("\ufeff\n  <HTML lang='en'>", "html"),
        ('<?xml version="1.0"?>\n<!doctype html>', "html"),
        ('<?xml version="1.0"?><svg/>', None),
        ("<p>a part of a page</p>", None),
        ("see <html>", None),
        ("", None),
    ],
)
def test_texts(text: str, suffix: str | None) -> None:
    """Only a whole document is HTML."""
    assert format_of_text(text) == suffix


@pytest.mark.parametrize(
    ("name", "is_markdown"),
    [
        ("report_md", True),
        ("model_card_markdown", True),
        ("README", True),
        ("markdown", True),
        ("cmd", False),
        ("md5", False),
        ("report", False),
    ],
)
def test_markdown(name: str, is_markdown: bool) -> None:  # noqa: FBT001
    """The name of an artifact says that its text is Markdown; no text is guessed to be."""
    assert is_markdown_name(name) is is_markdown
