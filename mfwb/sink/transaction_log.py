"""W&B's `.wandb` files, a run each: LevelDB's log format around protobuf records.

The format is not public; it was the same in every wandb from 0.12 to 0.31. The contract test
reads what the SDK wrote, and gives what we wrote to `wandb sync` and to `wandb leet inspect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

from wandb.proto.wandb_internal_pb2 import Record

__all__ = ["read_framed", "read_records", "write_framed", "write_records"]

_FILE_HEADER = b":W&B\xe1\xbe\x00"  # name, magic number, version of the format
_BLOCK = 32 * 1024
_CHUNK_HEADER = 7  # bytes: checksum, length, kind; a chunk lies within one block
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = {kind: crc32(bytes([kind])) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write a file that holds these records and is closed."""
    write_framed(path, (record.SerializeToString() for record in records))


def write_framed(path: Path, records: Iterable[bytes]) -> None:
    """Write a file of records that are bytes already."""
    with path.open("wb") as file:
        file.write(_FILE_HEADER)
        position = len(_FILE_HEADER)
        for record in records:
            data = _framed(record, position)
            file.write(data)
            position += len(data)


def _framed(record: bytes, position: int) -> bytes:
    """Return a record cut into chunks, none of which crosses the border of a block.

    Args:
        record: the record.
        position: where in the file it will lie; the first block holds the file header, too.
    """
    chunks, rest, first = [], memoryview(record), True
    while first or rest:
        left = _BLOCK - position % _BLOCK
        if left < _CHUNK_HEADER:
            chunks.append(bytes(left))
            position, left = position + left, _BLOCK
        part, rest = rest[: left - _CHUNK_HEADER], rest[left - _CHUNK_HEADER :]
        chunks.append(_chunk(part, _kind(first=first, last=not rest)))
        position += _CHUNK_HEADER + len(part)
        first = False
    return b"".join(chunks)


def _kind(*, first: bool, last: bool) -> int:
    if first:
        return _FULL if last else _FIRST
    return _LAST if last else _MIDDLE


def _chunk(part: memoryview, kind: int) -> bytes:
    checksum = crc32(part, _SEEDS[kind]).to_bytes(4, "little")
    return checksum + len(part).to_bytes(2, "little") + bytes([kind]) + part


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a `.wandb` file, up to where it is complete."""
    for data in read_framed(path):
        record = Record()
        record.ParseFromString(data)
        yield record


def read_framed(path: Path) -> Iterator[bytes]:
    """Yield the records of a file as bytes, up to where it is complete."""
    data = path.read_bytes()
    position, parts = len(_FILE_HEADER), []
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
            yield b"".join(parts)
            parts = []
        position = start + length
