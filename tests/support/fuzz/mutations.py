"""Random changes to pickles, reproducible from a seed."""

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
    chance = random.random()
    if chance < 0.15:
        _change_meaning(changed, random)
    elif chance < 0.6:
        locations = _data_places(data)
        for _ in range(random.choice((1, 1, 2, 3))):
            _change_byte(changed, random.choice(locations), random)
    else:
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
            _change(changed, other, random)
    return bytes(changed)


_LENGTHS = (0, 1, 2, 3, 255, 65_535, 10**6, 2**30, 2**31 - 1)
_TYPES = (b"i1", b"u1", b"b1", b"f8", b"O8", b"M8", b"m8", b"S8", b"U2", b"V8")
_NAMES = (
    (b"int64", b"uint8"),
    (b"string", b"binary"),
    (b"DatetimeArray", b"TimedeltaArray"),
    (b"BooleanArray", b"IntegerArray"),
    (b"RangeIndex", b"MultiIndex"),
    (b"CategoricalIndex", b"DatetimeIndex"),
    (b"_reconstruct", b"scalar"),
    (b"py_buffer", b"schema"),
)


def _change_meaning(data: bytearray, random: Random) -> None:
    """Change what libraries trust: a length, a dtype, a class, an offset, what is there at all."""
    kind = random.randrange(5)
    if kind == 0:  # a small number becomes a large one, or a negative one
        _replace(data, b"K" + bytes([random.choice((0, 1, 2, 3, 4, 8))]), _number(random), random)
    elif kind == 1:
        _replace(data, random.choice(_TYPES), random.choice(_TYPES), random)
    elif kind == 2:  # both ways round: they need not be of one length, but for what counts them
        item, other = random.sample(random.choice(_NAMES), 2)
        _replace(data, _text(item), _text(other), random)
    elif kind == 3:  # an object without its state, a call without its result
        _replace(data, random.choice((b"b", b"R", b"\x81")), b"0", random)
    else:  # something is nothing
        _replace(data, random.choice((b"\x85", b"\x86", b"\x87")), b"0N", random)


def _number(random: Random) -> bytes:
    value = random.choice(_LENGTHS) * random.choice((1, 1, -1))
    return b"J" + value.to_bytes(4, "little", signed=True)


def _text(value: bytes) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value


def _replace(data: bytearray, old: bytes, new: bytes, random: Random) -> None:
    locations = [location for location in range(len(data)) if data.startswith(old, location)]
    if locations:
        location = random.choice(locations)
        data[location : location + len(old)] = new


@cache
def _data_places(data: bytes) -> list[int]:
    """Return the places of numbers, bytes, and references, all opcodes left alone."""
    starts = [(opcode.name, location or 0) for opcode, _, location in pickletools.genops(data)]
    ends = [location for _, location in starts[1:]] + [len(data)]
    return [
        location
        for (name, start), end in zip(starts, ends, strict=True)
        if name in _DATA
        for location in range(min(start + 1, end - 1), end)
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
    location = random.randrange(len(data))
    length = random.choice((1, 1, 2, 4, 8, 16, 64))
    end = min(location + length, len(data))
    kind = random.randrange(7)
    if kind == 0:
        _change_byte(data, location, random)
    elif kind == 1:
        data[location] = random.choice(_OPCODES)
    elif kind == 2:
        data[location:end] = random.randbytes(end - location)
    elif kind == 3 and len(data) > length:
        del data[location:end]
    elif kind == 4:
        data[location:location] = data[location:end] * random.choice((1, 2, 50))
    elif kind == 5:
        start = random.randrange(len(other))
        data[location:end] = other[start : start + length]
    else:
        start = random.randrange(len(data))
        data[location:end] = data[start : start + length]
    data += b"." * (not data)
