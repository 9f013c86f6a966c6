"""Reader of `.wandb` files, apart from the one that a sync and a push use.

A file is a header and blocks of 32 KiB; a record lies in one chunk, or in a first, middle ones and
a last one. Each chunk has a checksum, which is verified here. Seen in wandb 0.30 and 0.31.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO
from zlib import crc32

from google.protobuf.message import DecodeError
from wandb.proto.wandb_internal_pb2 import Record

__all__ = ["read_wandb_file"]

_HEADER = b":W&B\xe1\xbe\x00"
_BLOCK = 32 * 1024
_CHUNK = struct.Struct("<IHB")  # checksum, length, kind
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MAX_RECORD = 512 * 1024**2  # of one record


def read_wandb_file(file: BinaryIO) -> Iterator[Record]:
    """Yield the records of a file in order; ValueError if any of it is damaged."""
    if file.read(len(_HEADER)) != _HEADER:
        raise ValueError("it does not begin as a .wandb file")
    data = b""
    is_open = False
    for kind, part in _chunks(file):
        if is_open != (kind in {_MIDDLE, _LAST}):
            raise ValueError("a record is cut off")
        data += part
        if len(data) > _MAX_RECORD:
            raise ValueError(f"a record has more than {_MAX_RECORD:,} bytes")
        is_open = kind in {_FIRST, _MIDDLE}
        if not is_open:
            yield _record(data)
            data = b""
    if is_open:
        raise ValueError("its last record is cut off")


def _record(data: bytes) -> Record:
    record = Record()
    try:
        record.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(f"a record can't be read: {error}") from None
    return record


def _chunks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    left = _BLOCK - len(_HEADER)  # of the current block
    while True:
        if left < _CHUNK.size:
            file.read(left)
            left = _BLOCK
        header = file.read(_CHUNK.size)
        if not header:
            return
        if len(header) < _CHUNK.size:
            raise ValueError("it is cut off")
        checksum, length, kind = _CHUNK.unpack(header)
        data = file.read(length)
        left -= _CHUNK.size + length
        if len(data) < length or left < 0 or kind not in {_FULL, _FIRST, _MIDDLE, _LAST}:
            raise ValueError("it is cut off, or damaged")
        if crc32(data, crc32(bytes([kind]))) != checksum:
            raise ValueError("a checksum is wrong")
        yield kind, data
