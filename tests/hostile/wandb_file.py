"""W&B's `.wandb` files: read and written without mfwb's help, so that both can't err alike.

LevelDB's log format around protobuf records, of which wandb itself brings the classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

__all__ = ["edit", "read", "write"]

_HEADER = b":W&B\xe1\xbe\x00"
_BLOCK = 32_768


def read(path: Path) -> list[Record]:
    """Return the records of a file."""
    result = []
    for data in _framed(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        result.append(record)
    return result


def write(path: Path, records: list[Record]) -> None:
    """Write a file of these records."""
    out = bytearray(_HEADER)
    for record in records:
        _append(out, record.SerializeToString())
    path.write_bytes(out)


def edit(path: Path, change: Callable[[Record], object]) -> None:
    """Change the records of a file."""
    records = read(path)
    for record in records:
        change(record)
    write(path, records)


def _append(out: bytearray, data: bytes) -> None:
    begun = False
    while True:
        room = _BLOCK - len(out) % _BLOCK
        if room < 7:
            out += bytes(room)
            room = _BLOCK
        piece, data = data[: room - 7], data[room - 7 :]
        kind = (4 if begun else 1) if not data else (3 if begun else 2)
        checksum = zlib.crc32(bytes([kind]) + piece)
        out += checksum.to_bytes(4, "little") + len(piece).to_bytes(2, "little") + bytes([kind])
        out += piece
        begun = True
        if not data:
            return


def _framed(data: bytes) -> Iterator[bytes]:
    at, parts = len(_HEADER), b""
    while at + 7 <= len(data):
        if _BLOCK - at % _BLOCK < 7:
            at += _BLOCK - at % _BLOCK
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        if kind == 0:
            return
        parts += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in {1, 4}:
            yield parts
            parts = b""
