"""Panels of images, sounds, films and pages."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mfwb.conversion import panels
from mfwb.conversion.panels import (
    read_panel,
    write_array_panel,
    write_gallery,
    write_media_panel,
)


def file_of(form: str = "PNG", size: tuple[int, int] = (6, 4), **options: Any) -> bytes:
    """Return the file of an image."""
    file = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(file, format=form, **options)
    return file.getvalue()


def png(width: int, height: int, *more: bytes) -> bytes:
    """Return a PNG whose header has any size, with these chunks after it."""
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    chunks = [b"IHDR" + header, *more, b"IDAT" + zlib.compress(bytes(100)), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


@pytest.mark.parametrize(
    ("form", "suffix", "kind", "size"),
    [
        ("PNG", "png", "image-file", (6, 4)),
        ("JPEG", "jpg", "image-file", (6, 4)),
        ("WEBP", "webp", "image-file", (6, 4)),
        ("GIF", "gif", "video-file", (None, None)),
    ],
)
def test_images(
    form: str, suffix: str, kind: str, size: tuple[int | None, int | None], tmp_path: Path
) -> None:
    """A panel has the very bytes of the image, and its size."""
    content = file_of(form)

    write_media_panel(pickle.dumps(content, 4), tmp_path / "x")

    [file] = read_panel(tmp_path / "x")
    assert (file.type, file.format, file.width, file.height) == (kind, suffix, *size)
    assert (tmp_path / "x" / file.name).read_bytes() == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file_of()[:-30], "truncated"),
        (file_of("JPEG", (200, 200))[:400], "(?i)truncated"),
        (b"\xff\xd8\xff" + bytes(100), "not that of an image"),
        (b"GIF89a" + bytes(100), "not that of an image|not enough|size"),
        (png(60_000, 60_000), "too large"),
        (png(8_000, 8_000), "too large"),
        (png(100, 100, b"iCCPx\0\0" + zlib.compress(bytes(200_000_000))), "too large|truncated"),
    ],
    ids=["png cut", "jpeg cut", "jpeg lie", "gif lie", "bomb", "large", "profile"],
)
def test_images_that_are_none(content: bytes, reason: str, tmp_path: Path) -> None:
    """A file that only begins like an image, or would fill the memory, has no panel."""
    with pytest.raises(Exception, match=reason):
        write_media_panel(pickle.dumps(content, 4), tmp_path / "x")


def test_markdown(tmp_path: Path) -> None:
    """Markdown is rendered; HTML and addresses of scripts in it stay text."""
    text = "# Title\n\n|a|b|\n|-|-|\n|1|2|\n\n<script>x</script> [x](javascript:alert(1))"

    write_media_panel(pickle.dumps(text, 4), tmp_path / "x")

    [file] = read_panel(tmp_path / "x")
    page = (tmp_path / "x" / file.name).read_text("utf-8")
    assert (file.type, file.format) == ("html-file", "html")
    assert "<h1>Title</h1>" in page
    assert "<td>2</td>" in page
    assert "<script>" not in page
    assert "href" not in page


def test_gallery(tmp_path: Path) -> None:
    """Images in lists and dicts, each with its place; what is no image is left out."""
    album = {"cat": Image.new("RGB", (5, 4)), "dogs": [Image.new("L", (3, 3)), 7], "n": None}

    write_gallery(pickle.dumps(album, 4), tmp_path / "x")

    files = read_panel(tmp_path / "x")
    assert [(file.caption, file.width, file.height) for file in files] == [
        ("cat", 5, 4),
        ("dogs/0", 3, 3),
    ]


def test_many_images(tmp_path: Path) -> None:
    """There are at most fifty, and the last one says how many more there are."""
    write_gallery(pickle.dumps([Image.new("L", (2, 2)) for _ in range(60)], 4), tmp_path / "x")

    files = read_panel(tmp_path / "x")
    assert len(files) == 50
    assert files[-2].caption == "48"
    assert files[-1].caption == "49 (10 more of 60 are only in the artifact)"


def test_images_of_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All images of a gallery together have a limit."""
    monkeypatch.setattr(panels, "FILE_LIMIT", 200)

    write_gallery(pickle.dumps([Image.new("L", (2, 2)) for _ in range(9)], 4), tmp_path / "x")

    files = read_panel(tmp_path / "x")
    assert 0 < len(files) < 9
    assert f"{9 - len(files)} more of 9" in str(files[-1].caption)


@pytest.mark.parametrize("value", [[], [1], {"a": "b"}, "text", [[[[[Image.new("L", (1, 1))]]]]]])
def test_no_gallery(value: Any, tmp_path: Path) -> None:
    """Without images there is no gallery."""
    with pytest.raises(ValueError, match="no images"):
        write_gallery(pickle.dumps(value, 4), tmp_path / "x")


def test_array(tmp_path: Path) -> None:
    """A series of images in one array is a gallery."""
    (tmp_path / "p").write_bytes(pickle.dumps(np.zeros((3, 4, 6), np.uint8), 4))

    write_array_panel(tmp_path / "p", tmp_path / "x")

    files = read_panel(tmp_path / "x")
    assert [(file.caption, file.width, file.height) for file in files] == [
        ("0", 6, 4),
        ("1", 6, 4),
        ("2", 6, 4),
    ]


_HONEST = {"name": "0.png", "type": "image-file", "format": "png"}


@pytest.mark.parametrize(
    "entries",
    [
        [],
        {},
        3,
        [3],
        [{}],
        [{**_HONEST, "more": 1}],
        [{**_HONEST, "name": "../p"}],
        [{**_HONEST, "name": "none.png"}],
        [{**_HONEST, "name": "panel.json", "format": "exe"}],
        [{**_HONEST, "type": "html-file"}],
        [{**_HONEST, "width": "6"}],
        [{**_HONEST, "caption": 6}],
        [_HONEST] * 51,
    ],
)
def test_lies(entries: Any, tmp_path: Path) -> None:
    """A list that no honest process writes is refused."""
    (tmp_path / "p").write_bytes(b"secret")
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "0.png").write_bytes(file_of())
    (folder / "panel.json").write_text(json.dumps(entries), encoding="utf-8")

    with pytest.raises(ValueError):  # noqa: PT011 - its text is shown to nobody
        read_panel(folder)
