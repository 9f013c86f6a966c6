"""The reader of `.wandb` files against the writer that a sync uses, and against damage."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline.wandb_file import write_records
from mfwb.verification.recorded_offline.wandb_file import read_wandb_file

SIZES = (0, 1, 32_700, 32_760, 32_761, 32_768, 100_000)


def records() -> list[pb.Record]:
    """Return records that end at, before and behind the ends of blocks."""
    lines = [pb.OutputLoggerRecord(line="x" * size) for size in SIZES]
    return [pb.Record(num=number, output_logger=line) for number, line in enumerate(lines)]


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """Return a file of these records."""
    write_records(tmp_path / "run.wandb", records())
    return (tmp_path / "run.wandb").read_bytes()


def test_all_records_come_back(content: bytes) -> None:
    """Each record is read whole, in order."""
    assert list(read_wandb_file(BytesIO(content))) == records()


def test_each_flipped_byte_is_noticed(content: bytes) -> None:
    """No damage passes for other values."""
    for position in (0, 6, 8, 12, 13, 20, 40_000, len(content) - 1):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        with pytest.raises(ValueError, match=r"begin|cut off|damaged|checksum|read"):
            list(read_wandb_file(BytesIO(damaged)))


@pytest.mark.parametrize("end", [3, 10, 20, 32_768, 99_000])
def test_a_cut_file_is_noticed(content: bytes, end: int) -> None:
    """A file that was not written to its end is no shorter file."""
    with pytest.raises(ValueError, match=r"cut off|begin"):
        list(read_wandb_file(BytesIO(content[:end])))
