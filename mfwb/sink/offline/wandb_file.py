"""W&B's `.wandb` files, one for each run: LevelDB's log format around protobuf records.

The format is not public; it was the same in every wandb from 0.12 to 0.31. The contract test
reads files of the SDK, and passes files of mfwb to `wandb sync` and to `wandb leet inspect`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from google.protobuf.message import DecodeError

from mfwb.sink.offline.messages import Record

__all__ = [
    "keep_steps",
    "read_framed",
    "read_records",
    "records_in",
    "write_framed",
    "write_records",
]

_FILE_HEADER = b":W&B\xe1\xbe\x00"  # name, magic number, version of the format
_BLOCK_SIZE = 32 * 1024
_CHUNK_HEADER_SIZE = 7  # bytes: checksum, length, kind; a chunk lies within one block
_MAX_RECORD_BYTES = 512 * 1024**2  # the log of a W&B run is one record
_NONE, _FULL, _FIRST, _MIDDLE, _LAST = 0, 1, 2, 3, 4
_CHECKSUM_SEEDS = {kind: crc32(bytes([kind])) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write a closed file with these records."""
    write_framed(path, (record.SerializeToString() for record in records))


def keep_steps(path: Path) -> None:
    """Keep the steps of the rows in a file that resumes a W&B run.

    `wandb sync` would count them from the last existing step. It reads the first step from a file
    beside it, which it writes itself at the first sync. That file is not public: seen in wandb
    0.31.0, and checked by tests/integration/sink/test_sync_state.py.
    """
    state = {"starting_step": 0, "starting_runtime": 0}
    path.with_name(f"{path.name}.syncstate").write_text(json.dumps(state), encoding="utf-8")


def write_framed(path: Path, records: Iterable[bytes]) -> None:
    """Write a file of serialized records."""
    with path.open("wb") as file:
        file.write(_FILE_HEADER)
        position = len(_FILE_HEADER)
        for record in records:
            data = _framed(record, position)
            file.write(data)
            position += len(data)


def _framed(record: bytes, position: int) -> bytes:
    """Return a record cut into chunks, none of which crosses the end of a block.

    Args:
        record: the record.
        position: its position in the file; the first block also holds the file header.
    """
    if _CHUNK_HEADER_SIZE + len(record) <= _BLOCK_SIZE - position % _BLOCK_SIZE:
        return _chunk(record, _FULL)
    chunks, rest, first = [], memoryview(record), True
    while first or rest:
        space_left = _BLOCK_SIZE - position % _BLOCK_SIZE
        if space_left < _CHUNK_HEADER_SIZE:
            chunks.append(bytes(space_left))
            position, space_left = position + space_left, _BLOCK_SIZE
        part, rest = (
            rest[: space_left - _CHUNK_HEADER_SIZE],
            rest[space_left - _CHUNK_HEADER_SIZE :],
        )
        chunks.append(_chunk(part, _kind(first=first, last=not rest)))
        position += _CHUNK_HEADER_SIZE + len(part)
        first = False
    return b"".join(chunks)


def _kind(*, first: bool, last: bool) -> int:
    if first:
        return _FULL if last else _FIRST
    return _LAST if last else _MIDDLE


def _chunk(part: bytes | memoryview, kind: int) -> bytes:
    checksum = crc32(part, _CHECKSUM_SEEDS[kind]).to_bytes(4, "little")
    return checksum + len(part).to_bytes(2, "little") + bytes([kind]) + part


def read_records(path: Path, message: type[Record] = Record) -> Iterator[Record]:
    """Yield the records of a `.wandb` file, up to its first incomplete one; ValueError."""
    with path.open("rb") as file:
        yield from records_in(file, message)


def read_framed(path: Path) -> Iterator[bytes]:
    """Yield the serialized records of a file, up to its first incomplete one; ValueError."""
    with path.open("rb") as file:
        yield from _framed_in(file)


def records_in(file: BinaryIO, message: type[Record] = Record) -> Iterator[Record]:
    """Yield the records of an open `.wandb` file, up to its first incomplete one; ValueError.

    Only one record is in memory at a time.

    Args:
        file: the open file.
        message: the class of the records; W&B's own has all fields.
    """
    for data in _framed_in(file):
        record = message()
        try:
            record.ParseFromString(data)
        except DecodeError as error:  # a ValueError in some releases of protobuf only
            raise ValueError(f"a record is not valid: {error}") from None
        yield record


def _framed_in(file: BinaryIO) -> Iterator[bytes]:
    parts: list[bytes] = []
    start, size = len(_FILE_HEADER), 0  # the first block also holds the file header
    while block := file.read(_BLOCK_SIZE):
        for kind, part in _chunks(block, start):
            if kind == _NONE:
                return
            parts.append(part)
            size += len(part)
            if size > _MAX_RECORD_BYTES:
                raise ValueError(f"a record has more than {_MAX_RECORD_BYTES:,} bytes")
            if kind in {_FULL, _LAST}:
                yield b"".join(parts)
                parts, size = [], 0
        start = 0


def _chunks(block: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and bytes of each chunk of a block; the file breaks off at a chunk without a kind.

    Args:
        block: a block of the file.
        position: the position of its first chunk.
    """
    while position + _CHUNK_HEADER_SIZE <= len(block):
        length = int.from_bytes(block[position + 4 : position + 6], "little")
        kind = block[position + 6]
        start = position + _CHUNK_HEADER_SIZE
        if start + length > len(block):
            kind = _NONE
        yield kind, block[start : start + length]
        position = start + length
