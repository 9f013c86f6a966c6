"""How much a pickle would make of itself, found out before anything is made.

The C unpickler does as it is told. It hashes a tuple of tuples of tuples for as long as that
takes, or until its stack is full; and what is called a thousand times with one long list copies
it a thousand times. None of that can be stopped once it has begun.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence

from mfwb.pickles.opcodes import OPCODES, Opcode, memo_place, needs_weighing, read

__all__ = ["check"]

KEY_LIMIT = 1_000
"""Parts of one key of a dict or item of a set: those of a tuple, and what is in them."""

RISKY_KEYS_LIMIT = 10_000
"""Keys of which somebody can make many with one hash: all but text, bytes and small numbers."""

_SPARE = 100_000
_MOST = 2**62
_LARGE_HASH = 2**61 - 1  # ints below are their own hash


def check(data: bytes, *, calls: bool) -> None:
    """Raise pickle.UnpicklingError if a pickle is cut off, or would take far more than its size.

    Args:
        data: the pickle.
        calls: whether what it calls is going to be called, so that arguments count.
    """
    if needs_weighing(data):
        _Scales(data, calls=calls).weigh()


class _Thing:
    """What is on the stack, if it is no plain number."""

    __slots__ = ("growing", "is_risky", "parts", "size")

    def __init__(self, parts: int = 1, size: int = 0, *, is_risky: bool = False) -> None:
        self.parts = parts
        self.size = size  # bytes
        self.is_risky = is_risky  # as a key
        self.growing: Sequence[_Thing] = ()  # what a tuple holds that may yet become larger

    def take(self, things: list[_Thing]) -> None:
        """Become so much larger."""
        parts, size = self.parts, self.size
        for one in things:
            parts += one.parts
            size += one.size
        self.parts = min(parts, _MOST)
        self.size = min(size, _MOST)


class _Growing(_Thing):
    """A list, a dict, a set."""

    __slots__ = ()


# These stand for many things at once, and never change.
_MARK = _Thing()
_SCALAR = _Thing()
_RISKY = _Thing(is_risky=True)
_SIZED = [_Thing(size=size) for size in range(256)]


class _Scales:
    """Acts a pickle out with weights."""

    def __init__(self, data: bytes, *, calls: bool) -> None:
        self._data = data
        self._calls = calls
        self._stack: list[_Thing] = []
        self._memo: dict[int, _Thing] = {}
        self._parts_left = 2 * len(data) + _SPARE
        self._size_left = 64 * len(data) + 10 * _SPARE
        self._key_parts_left = 50 * len(data) + 10 * _SPARE
        self._risky_left = RISKY_KEYS_LIMIT
        self._by_hash: dict[int, int] = {}

    def weigh(self) -> None:
        """Raise pickle.UnpicklingError if it is too much."""
        data = self._data
        place = 0
        try:
            while True:
                act, length, opcode = _STEPS[data[place]]
                start = place + 1
                if length >= 0:
                    place = start + length
                elif length == _SHORT:
                    start += 1
                    place = start + data[start - 1]
                else:
                    _, start, place = read(data, place)
                if opcode is _STOP:
                    return
                act(self, opcode, start, place)
        except (IndexError, KeyError, ValueError):
            raise pickle.UnpicklingError(
                "its pickle is cut off, or takes what it has not put there"
            ) from None

    # What opcodes do. All have the same arguments, since they are looked up in a table.

    def push_scalar(self, _opcode: Opcode, _start: int, _end: int) -> None:
        self._stack.append(_SCALAR)

    def push_sized(self, _opcode: Opcode, start: int, end: int) -> None:
        size = end - start
        self._stack.append(_SIZED[size] if size < len(_SIZED) else _Thing(size=size))

    def push_whole(self, opcode: Opcode, start: int, end: int) -> None:
        self._note_hash(opcode.name, start, end)
        self._stack.append(_Thing(size=end - start))

    def push_mark(self, _opcode: Opcode, _start: int, _end: int) -> None:
        self._stack.append(_MARK)

    def repeat(self, _opcode: Opcode, _start: int, _end: int) -> None:
        self._stack.append(self._stack[-1])

    def skip(self, _opcode: Opcode, _start: int, _end: int) -> None:
        pass

    def memoize(self, _opcode: Opcode, _start: int, _end: int) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def put(self, opcode: Opcode, start: int, end: int) -> None:
        self._memo[memo_place(opcode.name, self._data[start:end])] = self._stack[-1]

    def get(self, opcode: Opcode, start: int, end: int) -> None:
        self._stack.append(self._memo[memo_place(opcode.name, self._data[start:end])])

    def freeze(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        if opcode.name == "FROZENSET":
            self._hash(things)
        made = _Thing(is_risky=True)
        made.take(things)
        growing = [one for one in things if type(one) is _Growing]
        if growing:
            made.growing = growing
        self._stack.append(made)

    def contain(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        if opcode.name == "DICT":
            self._hash(things[::2])
        made = _Growing()
        made.take(things)
        self._stack.append(made)

    def fill(self, opcode: Opcode, _start: int, _end: int) -> None:
        container, *things = self._taken(opcode)
        if type(container) is not _Growing:  # others are shared
            raise pickle.UnpicklingError("its pickle fills what can't be filled")
        if opcode.name == "ADDITEMS":
            self._hash(things)
        elif opcode.name.startswith("SETITEM"):
            self._hash(things[::2])
        container.take(things)
        self._stack.append(container)

    def call(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        size = self._count(things) if self._calls else 0
        if opcode.name == "BUILD":
            self._stack.append(things[0])
        else:  # it may be filled later on, and may hold all bytes that it was given
            made = _Growing(size=size, is_risky=True)
            self._stack.append(made)

    def take(self, opcode: Opcode, _start: int, _end: int) -> None:
        self._taken(opcode)
        if opcode.pushes:
            self._stack.append(_RISKY)

    def _taken(self, opcode: Opcode) -> list[_Thing]:
        things: list[_Thing] = []
        stack = self._stack
        if opcode.to_mark:
            place = len(stack) - 1
            while stack[place] is not _MARK:
                place -= 1
                if place < 0:
                    raise IndexError
            things = stack[place + 1 :]
            del stack[place:]
        if opcode.pops:
            if len(stack) < opcode.pops:
                raise IndexError
            things = stack[-opcode.pops :] + things
            del stack[-opcode.pops :]
        return things

    def _hash(self, keys: list[_Thing]) -> None:
        for key in keys:
            self._key_parts_left -= key.parts
            if key.is_risky:
                self._risky_left -= 1
                if key.parts > KEY_LIMIT:
                    raise pickle.UnpicklingError(f"a key of more than {KEY_LIMIT:,} parts")
        if self._risky_left < 0:
            raise pickle.UnpicklingError(f"more than {RISKY_KEYS_LIMIT:,} keys that are not plain")
        if self._key_parts_left < 0:
            raise pickle.UnpicklingError("keys of too many parts")

    def _count(self, things: list[_Thing]) -> int:
        """Take arguments off what is left; return their bytes."""
        size = 0
        for one in things:
            self._parts_left -= one.parts
            size += one.size
            for part in one.growing:
                self._parts_left -= part.parts
                size += part.size
        self._size_left -= size
        if self._parts_left < 0 or self._size_left < 0:
            raise pickle.UnpicklingError("its pickle makes far more than there is in it")
        return size

    def _note_hash(self, name: str, start: int, end: int) -> None:
        """Count ints that have a hash in common, which dicts are slow to tell apart."""
        argument = self._data[start:end]
        if name in {"LONG", "INT"}:
            number = int(argument.rstrip(b"L\n"))
        else:
            number = int.from_bytes(argument, "little", signed=True)
        if abs(number) >= _LARGE_HASH and self._by_hash.setdefault(hash(number), number) != number:
            self._risky_left -= 1
            self._hash([])


_Act = Callable[[_Scales, Opcode, int, int], None]

_ACTS: dict[str, _Act] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _Scales.skip),
    "MARK": _Scales.push_mark,
    "DUP": _Scales.repeat,
    "MEMOIZE": _Scales.memoize,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Scales.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Scales.get),
    **dict.fromkeys(("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"), _Scales.freeze),
    **dict.fromkeys(("LIST", "DICT", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"), _Scales.contain),
    **dict.fromkeys(("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"), _Scales.fill),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST", "BUILD"), _Scales.call),
    **dict.fromkeys(("POP", "POP_MARK", "STACK_GLOBAL", "PERSID", "BINPERSID"), _Scales.take),
    **dict.fromkeys(("INT", "LONG", "LONG1", "LONG4"), _Scales.push_whole),
}


_SHORT = -1
_LONG = -2


def _step(opcode: Opcode) -> tuple[_Act, int, Opcode]:
    """Return what an opcode does, and the bytes that follow it; or how to find out how many."""
    if opcode.name in _ACTS:
        act = _ACTS[opcode.name]
    elif opcode.counted or opcode.lines:
        act = _Scales.push_sized
    else:
        act = _Scales.push_scalar if not opcode.pops else _Scales.take
    if opcode.counted == 1:
        return act, _SHORT, opcode
    is_fixed = not opcode.counted and not opcode.lines and opcode.name != "LONG_BINPUT"
    return act, opcode.fixed if is_fixed else _LONG, opcode


_STEPS = {code: _step(opcode) for code, opcode in OPCODES.items()}
_STOP = OPCODES[ord(".")]
