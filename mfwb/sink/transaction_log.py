"""W&B's `.wandb` files, read: LevelDB's log format around protobuf records.

The format is not public; it was the same in every wandb from 0.12 to 0.31. Public is only
`wandb leet inspect`, a program that prints. We read it to know that a file is complete:
`run.finish()` returns before wandb-core has written the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

__all__ = ["read_records", "wait_until_closed"]

_HEADER = 7  # bytes: ":W&B", magic, version
_BLOCK = 32 * 1024
_CHUNK_HEADER = 7  # bytes: checksum, length, kind
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a `.wandb` file, up to where it is complete so far."""
    data = path.read_bytes()
    position, parts = _HEADER, []
    while position + _CHUNK_HEADER <= len(data):
        left_in_block = _BLOCK - position % _BLOCK
        if left_in_block < _CHUNK_HEADER:
            position += left_in_block
            continue
        length = int.from_bytes(data[position + 4 : position + 6], "little")
        kind = data[position + 6]
        start = position + _CHUNK_HEADER
        if kind == 0 or start + length > len(data):
            return
        parts.append(data[start : start + length])
        if kind in {_FULL, _LAST}:
            record = Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record
        position = start + length


def wait_until_closed(path: Path, timeout: float = 30.0) -> bool:
    """Return whether the file ends with its exit record before the timeout, in seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not _is_closed(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
    return True


def _is_closed(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size <= _HEADER:
        return False
    return any(record.WhichOneof("record_type") == "exit" for record in read_records(path))
