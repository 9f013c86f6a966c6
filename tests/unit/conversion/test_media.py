"""Pickled bytes and texts -> the files that they are."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from mfwb.conversion.media import write_media

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.mark.parametrize(
    ("value", "name", "content"),
    [
        (_PNG, "file.png", _PNG),
        ("<html>\r\né</html>", "file.html", b"<html>\r\n\xc3\xa9</html>"),
        ("# Title", "file.md", b"# Title"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_files(value: Any, name: str, content: bytes, protocol: int, tmp_path: Path) -> None:
    """The file has exactly these bytes, or the text in UTF-8."""
    write_media(pickle.dumps(value, protocol), tmp_path / "x")

    assert [path.name for path in (tmp_path / "x").iterdir()] == [name]
    assert (tmp_path / "x" / name).read_bytes() == content


@pytest.mark.parametrize("value", [b"plain", 3, [_PNG], bytearray(_PNG), "lone \ud800"])
def test_no_file(value: Any, tmp_path: Path) -> None:
    """What is no file is refused, and no folder is left."""
    with pytest.raises((TypeError, UnicodeEncodeError)):
        write_media(pickle.dumps(value, 4), tmp_path / "x")

    assert not (tmp_path / "x").exists()
