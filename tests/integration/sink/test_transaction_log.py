"""`.wandb` files: what is written is read again, whatever the sizes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.sink.offline.messages import OutputLoggerRecord, Record
from mfwb.sink.offline.wandb_file import read_records, write_records

_BLOCK = 32 * 1024
_sizes = st.one_of(
    st.integers(0, 200),
    st.integers(_BLOCK - 40, _BLOCK + 40),
    st.integers(2 * _BLOCK - 60, 2 * _BLOCK + 60),
    st.integers(0, 4 * _BLOCK),
)


def _record(size: int) -> Record:
    return Record(output_logger=OutputLoggerRecord(line="x" * size))


@given(sizes=st.lists(_sizes, max_size=8))
@settings(deadline=None)
def test_what_is_written_is_read(sizes: list[int]) -> None:
    """Records come back in order, wherever the borders of blocks fall."""
    records = [_record(size) for size in sizes]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.wandb"

        write_records(path, records)

        assert list(read_records(path)) == records


@pytest.mark.parametrize("left", range(9))
def test_no_chunk_begins_at_the_very_end_of_a_block(tmp_path: Path, left: int) -> None:
    """What is too short for the header of a chunk is filled with zeros."""
    path = tmp_path / "run.wandb"
    overhead = len(_record(_BLOCK - 100).SerializeToString()) - (_BLOCK - 100)
    first = _record(_BLOCK - 7 - 7 - overhead - left)

    write_records(path, [first, _record(3)])

    assert list(read_records(path)) == [first, _record(3)]
    if left < 7:
        assert path.read_bytes()[_BLOCK - left : _BLOCK] == bytes(left)


@pytest.mark.parametrize("missing", [1, 8, 5000])
def test_a_file_that_was_cut_is_read_up_to_the_cut(tmp_path: Path, missing: int) -> None:
    """What a writer that was killed left behind has whole records, but not the last one."""
    path = tmp_path / "run.wandb"
    write_records(path, [_record(100), _record(10_000)])
    path.write_bytes(path.read_bytes()[:-missing])

    assert list(read_records(path)) == [_record(100)]
