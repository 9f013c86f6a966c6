"""How much a pickle would make of itself, found out before anything is made.

The C unpickler does as it is told. It hashes a tuple of tuples of tuples for as long as that
takes, or until its stack is full; and what is called a thousand times with one long list copies
it a thousand times. None of that can be stopped once it has begun.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable

from mfwb.pickles.opcodes import (
    EMPTY_SIZES,
    MEMORY_AT_LEAST,
    MEMORY_PER_BYTE,
    OPCODES,
    Opcode,
    memo_index,
    needs_limit_check,
    read_opcode,
)

__all__ = ["check_limits"]

KEY_LIMIT = 1_000
"""Parts of one key of a dict or item of a set: those of a tuple, and what is in them."""

RISKY_KEYS_LIMIT = 10_000
"""Keys of which somebody can make many with one hash: all but text, bytes and small numbers."""

COLLISIONS_LIMIT = 1_000
"""Ints with the hash of another one; the time to tell them apart grows with the square."""

DEPTH_LIMIT = 1_000
"""Levels of what is really made: C frees what is nested by recursion. Python pickles no more."""

_COMPARISONS_LIMIT = 500_000_000
"""Parts that may be compared if all keys have one hash: some seconds."""

_CALL_SIZE = 200  # bytes of memory of what a call makes, beside what it was given
_TUPLE_SIZE, _ITEM_SIZE = 40, 8
_SPARE = 100_000
_MOST = 2**62
_LARGE_HASH = 2**61 - 1  # ints below are their own hash


def check_limits(data: bytes, *, calls: bool) -> None:
    """Raise pickle.UnpicklingError if a pickle is cut off, or would take far more than its size.

    Args:
        data: the pickle.
        calls: whether what it calls is going to be called, so that arguments count.
    """
    if needs_limit_check(data):
        _Scales(data, calls=calls).weigh()


class _Thing:
    """What is on the stack, if it is no plain number."""

    __slots__ = ("depth", "is_held", "is_risky", "parts", "size", "width")

    def __init__(
        self, parts: int = 1, size: int = 0, *, depth: int = 0, is_risky: bool = False
    ) -> None:
        self.parts = parts
        self.width = 0  # of the parts, those that it holds itself
        self.depth = depth  # levels
        self.is_held = False  # whether it is in something else
        self.size = size  # bytes
        self.is_risky = is_risky  # as a key

    def take(self, things: list[_Thing]) -> None:
        """Become so much larger."""
        parts, size, depth = self.parts, self.size, self.depth
        for one in things:
            parts += one.parts
            size += one.size
            one.is_held = True
            if one.depth >= depth:
                depth = one.depth + 1
        self.parts = min(parts, _MOST)
        self.size = min(size, _MOST)
        self.depth = depth
        self.width += len(things)


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
        self._memory_left = MEMORY_AT_LEAST + MEMORY_PER_BYTE * len(data)
        self._risky_keys = 0
        self._risky_parts = 0
        self._collisions_left = COLLISIONS_LIMIT
        self._by_hash: dict[int, int] = {}
        # By how much things grew that were in others, which don't know of it.
        self._late = _Thing(0)

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
                    _, start, place = read_opcode(data, place)
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
        self._memo[memo_index(opcode.name, self._data[start:end])] = self._stack[-1]

    def get(self, opcode: Opcode, start: int, end: int) -> None:
        self._stack.append(self._memo[memo_index(opcode.name, self._data[start:end])])

    def freeze(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        if opcode.name == "FROZENSET":
            self._hash(things)
            self._take_memory(EMPTY_SIZES[b"\x8f"])
        self._take_memory(_TUPLE_SIZE + _ITEM_SIZE * len(things))
        made = _Thing(is_risky=True)
        made.depth = 1
        made.take(things)
        self._check_depth(made)
        self._stack.append(made)

    def contain(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        if opcode.name == "DICT":
            self._hash(things[::2])
        self._take_memory(_EMPTY_BY_NAME.get(opcode.name, 0))
        made = _Growing(depth=1)
        made.take(things)
        self._check_depth(made)
        self._stack.append(made)

    def fill(self, opcode: Opcode, _start: int, _end: int) -> None:
        container, *things = self._taken(opcode)
        if type(container) is not _Growing:  # others are shared
            raise pickle.UnpicklingError("its pickle fills what can't be filled")
        if opcode.name == "ADDITEMS":
            self._hash(things)
        elif opcode.name.startswith("SETITEM"):
            self._hash(things[::2])
            if self._calls and container.is_held:  # who got it may have looked at it, and trust it
                raise pickle.UnpicklingError("its pickle changes what it has already used")
        self._grow(container, things)
        self._stack.append(container)

    def call(self, opcode: Opcode, _start: int, _end: int) -> None:
        things = self._taken(opcode)
        size = self._count(things)
        if opcode.name == "BUILD":
            made, state = things
            if type(made) is _Growing:
                deep = _Thing(0, depth=state.depth)
                self._grow(made, [deep])
        else:  # it may be filled later on, and may hold all bytes that it was given
            self._take_memory(_CALL_SIZE)
            made = _Growing(size=size, depth=1, is_risky=True)
            made.depth += max(one.depth for one in things)
            self._check_depth(made)
        self._stack.append(made)

    def _grow(self, container: _Thing, things: list[_Thing]) -> None:
        late = self._late
        if not container.is_held:
            container.take(things)
        else:
            parts, size, depth = container.parts, container.size, container.depth
            container.take(things)
            late.parts += container.parts - parts
            late.size += container.size - size
            late.depth += container.depth - depth
        self._check_depth(container)

    def _check_depth(self, made: _Thing) -> None:
        if self._calls and made.depth + self._late.depth > DEPTH_LIMIT:
            raise pickle.UnpicklingError(f"it is nested more than {DEPTH_LIMIT:,} levels deep")

    def _take_memory(self, size: int) -> None:
        self._memory_left -= size
        if self._memory_left < 0:
            raise pickle.UnpicklingError("its pickle makes far more than there is in it")

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
                self._risky_keys += 1
                self._risky_parts += key.parts
                if key.parts > KEY_LIMIT:
                    raise pickle.UnpicklingError(f"a key of more than {KEY_LIMIT:,} parts")
        if (
            self._risky_keys > RISKY_KEYS_LIMIT
            or self._risky_keys * self._risky_parts > _COMPARISONS_LIMIT
        ):
            raise pickle.UnpicklingError("too many keys that are not plain")
        if self._key_parts_left < 0:
            raise pickle.UnpicklingError("keys of too many parts")

    def _count(self, things: list[_Thing]) -> int:
        """Take arguments off what is left; return their bytes.

        What only stands in for what is called looks at no more than the arguments themselves.
        """
        if not self._calls:
            self._parts_left -= sum(one.width for one in things) + self._late.parts
            size = 0
        else:
            size = sum(one.size for one in things) + self._late.size
            self._parts_left -= sum(one.parts for one in things) + self._late.parts
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
            self._collisions_left -= 1
            if self._collisions_left < 0:
                raise pickle.UnpicklingError("too many numbers that have a hash in common")


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


_EMPTY_BY_NAME = {OPCODES[code[0]].name: size for code, size in EMPTY_SIZES.items()}
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
