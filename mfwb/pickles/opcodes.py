"""Opcodes of a pickle: their positions, arguments and effect on the stack."""

from __future__ import annotations

import pickle
import pickletools
import re
from typing import Any, NamedTuple

__all__ = [
    "EMPTY_SIZES",
    "MEMORY_AT_LEAST",
    "MEMORY_PER_BYTE",
    "OPCODES",
    "Opcode",
    "memo_index",
    "needs_limit_check",
    "read_opcode",
]

_LINE_LIMIT = 5_000
"""Digits of a number; Python reads no more, and older versions take minutes for a million."""

_INDEX_DIGITS_LIMIT = 20  # digits of an index of the memo
_SPARE = 100_000
_STOP = ord(".")


class Opcode(NamedTuple):
    """One kind of opcode."""

    name: str
    fixed: int  # bytes that follow
    counted: int  # bytes of a length that follows, and then as many bytes
    lines: int  # that follow
    pops: int
    to_mark: bool  # whether it also takes all items above the last mark
    pushes: int


def _opcode(info: Any) -> Opcode:
    size = 0 if info.arg is None else info.arg.n
    lines = 0
    if size == pickletools.UP_TO_NEWLINE:
        size, lines = 0, 2 if info.arg.name == "stringnl_noescape_pair" else 1
    counted = {
        pickletools.TAKEN_FROM_ARGUMENT1: 1,
        pickletools.TAKEN_FROM_ARGUMENT4: 4,
        pickletools.TAKEN_FROM_ARGUMENT4U: 4,
        pickletools.TAKEN_FROM_ARGUMENT8U: 8,
    }.get(size, 0)
    before = list(info.stack_before)
    to_mark = pickletools.markobject in before
    if to_mark:
        before = before[: before.index(pickletools.markobject)]
    pushes = len(info.stack_after)
    return Opcode(info.name, max(size, 0), counted, lines, len(before), to_mark, pushes)


OPCODES = {ord(info.code): _opcode(info) for info in pickletools.opcodes}

_COSTLY = frozenset(
    {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LONG", "LONG1", "LONG4", "INT"}
    | {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST", "BUILD"}
)
_WITH_CHECKED_ARGUMENT = {"LONG_BINPUT", "PUT", "GET", "INT", "LONG", "EXT1", "EXT2", "EXT4"}


def _short(code: bytes, limit: int) -> bytes:
    """Return a pattern of an opcode with a length of one byte and so many bytes after it."""
    lengths = b"|".join(re.escape(bytes([n])) + b".{%d}" % n for n in range(limit + 1))
    return re.escape(code) + b"(?:" + lengths + b")"


_CHEAP_OPCODES = re.compile(
    b"(?:"
    + b"|".join(
        [
            rb"[\x94N\x88\x89\]}(aesu)\x8f\x90]",
            rb"[hqK].",
            rb"G.{8}",
            rb"J.{4}",
            rb"M..",
            rb"j.{4}",
            _short(b"\x8c", 255),
            _short(b"C", 255),
            _short(b"\x8a", 7),
        ]
    )
    + b"){1,1000}",  # `re` remembers each round, in some 90 bytes
    re.DOTALL,
)
"""Opcodes whose cost is proportional to their bytes; nearly all of most pickles."""

EMPTY_SIZES = {b"]": 56, b"}": 64, b"\x8f": 216}
"""Opcodes of one byte that create a container, and the bytes of memory that it takes."""

MEMORY_AT_LEAST = 50_000_000
MEMORY_PER_BYTE = 32
"""Bytes of memory that containers and objects of a pickle may take: at least, and more per byte."""

_CHUNK = 1_000_000


def needs_limit_check(data: bytes) -> bool:
    """Return whether a pickle has opcodes that can take far more time or memory than its size.

    If not, it has been read to its end: pickle.UnpicklingError if it is cut off or invalid.
    """
    if _may_take_memory(data):
        return True
    position = 0
    while True:
        run = _CHEAP_OPCODES.match(data, position)
        if run is not None:
            position = run.end()
        code, _, position = read_opcode(data, position)
        if OPCODES[code].name in _COSTLY:
            return True
        if code == _STOP:
            return False


def _may_take_memory(data: bytes) -> bool:
    """Return whether the containers of a pickle could take more memory than allowed."""
    size = len(data)
    limit = MEMORY_AT_LEAST + MEMORY_PER_BYTE * size
    if max(EMPTY_SIZES.values()) * size <= limit:
        return False
    made = 0
    for start in range(0, size, _CHUNK):
        chunk = data[start : start + _CHUNK]  # mmap has no method `count`
        made += sum(chunk.count(code) * each for code, each in EMPTY_SIZES.items())
    return made > limit


def read_opcode(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the opcode at a position, and the start and end of its argument.

    Raises pickle.UnpicklingError if there is no opcode, or none that is allowed.
    """
    try:
        code = data[position]
        opcode = OPCODES[code]
    except (IndexError, KeyError):
        raise pickle.UnpicklingError(f"no opcode at byte {position:,}") from None
    start = position + 1
    end = start + opcode.fixed
    if opcode.counted:
        start = end + opcode.counted
        end = start + int.from_bytes(data[end:start], "little")
    for _ in range(opcode.lines):
        end = data.find(b"\n", end) + 1
        if not end:
            break
    if not start <= end <= len(data):
        raise pickle.UnpicklingError(f"the pickle ends in the {opcode.name} at byte {position:,}")
    if opcode.name in _WITH_CHECKED_ARGUMENT:
        _check_argument(opcode.name, data[start:end], position)
    return code, start, end


def memo_index(name: str, argument: bytes) -> int:
    """Return the index of the memo in an opcode's argument; ValueError if it is not a number."""
    return int(argument) if name in {"PUT", "GET"} else int.from_bytes(argument, "little")


def _check_argument(name: str, argument: bytes, position: int) -> None:
    if name.startswith("EXT"):
        raise pickle.UnpicklingError("its pickle uses an extension code, which is not known here")
    if name in {"INT", "LONG"}:
        if len(argument) > _LINE_LIMIT:
            raise pickle.UnpicklingError("a number of too many digits")
        return
    if name in {"PUT", "GET"} and len(argument) > _INDEX_DIGITS_LIMIT:
        raise pickle.UnpicklingError(f"no memo index at byte {position:,}")
    try:
        is_beyond = memo_index(name, argument) > position + _SPARE
    except ValueError:
        raise pickle.UnpicklingError(f"no memo index at byte {position:,}") from None
    if is_beyond:  # the C unpickler allocates memory up to that index
        raise pickle.UnpicklingError("its pickle asks for a memo that is larger than itself")
