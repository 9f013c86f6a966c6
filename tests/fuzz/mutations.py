"""Random changes to pickles, the same for the same seed."""

from __future__ import annotations

import pickletools
from functools import cache
from random import Random

__all__ = ["mutated"]

_OPCODES = bytes((*range(0x80, 0x99), *b"()].}Nabcdehijloqrstu012CGJKMRX"))
_EDGES = (0, 1, 2, 7, 8, 127, 128, 254, 255)
_DATA = {"BININT", "BININT1", "BININT2", "BINFLOAT", "BINGET", "LONG_BINGET", "LONG1"}
_DATA |= {"BINBYTES", "SHORT_BINBYTES", "NONE", "NEWTRUE", "NEWFALSE"}


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """Return a pickle with changes: of its numbers and bytes, or of anything.

    The former is loaded more often than not, and is something else then.
    """
    changed = bytearray(data)
    if random.random() < 0.6:
        places = _data_places(data)
        for _ in range(random.choice((1, 1, 2, 3))):
            _change_byte(changed, random.choice(places), random)
    else:
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
            _change(changed, other, random)
    return bytes(changed)


@cache
def _data_places(data: bytes) -> list[int]:
    """Return the places of numbers, bytes, and references, all opcodes left alone."""
    starts = [(opcode.name, place or 0) for opcode, _, place in pickletools.genops(data)]
    ends = [place for _, place in starts[1:]] + [len(data)]
    return [
        place
        for (name, start), end in zip(starts, ends, strict=True)
        if name in _DATA
        for place in range(min(start + 1, end - 1), end)
    ]


def _change_byte(data: bytearray, place: int, random: Random) -> None:
    kind = random.randrange(4)
    if kind == 0:
        data[place] ^= 1 << random.randrange(8)
    elif kind == 1:
        data[place] = random.choice(_EDGES)
    elif kind == 2:
        data[place] = random.randrange(256)
    else:
        data[place] = (data[place] + random.choice((-1, 1))) % 256


def _change(data: bytearray, other: bytes, random: Random) -> None:
    place = random.randrange(len(data))
    length = random.choice((1, 1, 2, 4, 8, 16, 64))
    end = min(place + length, len(data))
    kind = random.randrange(7)
    if kind == 0:
        _change_byte(data, place, random)
    elif kind == 1:
        data[place] = random.choice(_OPCODES)
    elif kind == 2:
        data[place:end] = random.randbytes(end - place)
    elif kind == 3 and len(data) > length:
        del data[place:end]
    elif kind == 4:
        data[place:place] = data[place:end] * random.choice((1, 2, 50))
    elif kind == 5:
        start = random.randrange(len(other))
        data[place:end] = other[start : start + length]
    else:
        start = random.randrange(len(data))
        data[place:end] = data[start : start + length]
    data += b"." * (not data)
