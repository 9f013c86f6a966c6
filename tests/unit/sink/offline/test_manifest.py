"""Checksums of a bundle's files, and broken records."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from mfwb.sink.offline.manifest import Checksums, FileChecksum
from mfwb.sink.offline.wandb_file import read_records, write_framed


def test_another_size_is_enough(tmp_path: Path) -> None:
    """A terabyte of zeros is not read if its size differs."""
    with (tmp_path / "file").open("wb") as file:
        file.write(b"data")
        file.truncate(10**12)
    fixed = FileChecksum(4, hashlib.sha256(b"data").hexdigest())

    assert not Checksums(tmp_path).matches("file", fixed)


def test_what_agrees(tmp_path: Path) -> None:
    """Size and content have to be equal."""
    (tmp_path / "file").write_bytes(b"data")
    fixed = FileChecksum(4, hashlib.sha256(b"data").hexdigest())

    assert Checksums(tmp_path).matches("file", fixed)
    (tmp_path / "file").write_bytes(b"dat!")
    assert not Checksums(tmp_path).matches("file", fixed)


def test_a_file_that_was_touched_is_read_again(tmp_path: Path) -> None:
    """Also if its size and time were restored: a cached checksum needs an unchanged file."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    checksums = Checksums(tmp_path)
    fixed = checksums.checksum("file")
    before = path.stat()

    time.sleep(0.02)  # a file system's clock ticks every few milliseconds
    path.write_bytes(b"abd")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not checksums.matches("file", fixed)


def test_records_that_are_none(tmp_path: Path) -> None:
    """Valid frames with bytes that are not a record raise ValueError."""
    path = tmp_path / "run.wandb"
    write_framed(path, [b"\x0a\xff\xff\xff\xff\x0f"])

    with pytest.raises(ValueError, match="a record is not valid"):
        list(read_records(path))
