"""Limits on the time and memory that a pickle may take, checked before anything is created.

The C unpickler has no limits. It hashes a tuple of tuples of tuples for as long as that takes, or
until its stack is full; and a function that is called a thousand times with one long list copies
it a thousand times. None of that can be interrupted once it has begun.
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
"""Parts of one key of a dict or item of a set: the items of a tuple, and their parts."""

RISKY_KEYS_LIMIT = 10_000
"""Keys that can be forged to share one hash: all but text, bytes and small numbers."""

COLLISIONS_LIMIT = 1_000
"""Ints with the hash of another int; the time to compare them grows with the square."""

DEPTH_LIMIT = 1_000
"""Levels of nesting of created objects: C frees them by recursion; Python pickles no more."""

_COMPARISONS_LIMIT = 500_000_000
"""Comparisons of parts if all keys have the same hash: some seconds."""

_CALL_SIZE = 200  # bytes of memory of the result of a call, without its arguments
_TUPLE_SIZE, _ITEM_SIZE = 40, 8
_SPARE = 100_000
_MAX_MEASURE = 2**62
_LARGE_HASH = 2**61 - 1  # ints below are their own hash


def check_limits(data: bytes, *, calls: bool) -> None:
    """Raise pickle.UnpicklingError if a pickle is cut off, or would take far more than its size.

    Args:
        data: the pickle.
        calls: whether the calls in the pickle will really be made, so that arguments count.
    """
    if needs_limit_check(data):
        _LimitChecker(data, calls=calls).check_pickle()


class _Measure:
    """The measures of an object on the stack."""

    __slots__ = ("depth", "is_held", "is_risky", "parts", "size", "width")

    def __init__(
        self, parts: int = 1, size: int = 0, *, depth: int = 0, is_risky: bool = False
    ) -> None:
        self.parts = parts
        self.width = 0  # the direct parts among these parts
        self.depth = depth  # levels
        self.is_held = False  # whether it is a part of another object
        self.size = size  # bytes
        self.is_risky = is_risky  # as a key of a dict

    def take(self, measures: list[_Measure]) -> None:
        """Add the measures of new parts."""
        parts, size, depth = self.parts, self.size, self.depth
        for item in measures:
            parts += item.parts
            size += item.size
            item.is_held = True
            if item.depth >= depth:
                depth = item.depth + 1
        self.parts = min(parts, _MAX_MEASURE)
        self.size = min(size, _MAX_MEASURE)
        self.depth = depth
        self.width += len(measures)


class _GrowingMeasure(_Measure):
    """A list, a dict, a set, or the result of a call."""

    __slots__ = ()


# Each of these represents many objects at once, and never changes.
_MARK = _Measure()
_SCALAR = _Measure()
_RISKY = _Measure(is_risky=True)
_SIZED = [_Measure(size=size) for size in range(256)]


class _LimitChecker:
    """Runs the opcodes of a pickle on measures in place of objects."""

    def __init__(self, data: bytes, *, calls: bool) -> None:
        self._data = data
        self._calls = calls
        self._stack: list[_Measure] = []
        self._memo: dict[int, _Measure] = {}
        self._parts_left = 2 * len(data) + _SPARE
        self._size_left = 64 * len(data) + 10 * _SPARE
        self._key_parts_left = 50 * len(data) + 10 * _SPARE
        self._memory_left = MEMORY_AT_LEAST + MEMORY_PER_BYTE * len(data)
        self._risky_keys = 0
        self._risky_parts = 0
        self._collisions_left = COLLISIONS_LIMIT
        self._by_hash: dict[int, int] = {}
        # How much objects grew after they became parts of others, whose measures lack that growth.
        self._unpropagated = _Measure(0)

    def check_pickle(self) -> None:
        """Raise pickle.UnpicklingError if the pickle exceeds a limit."""
        data = self._data
        position = 0
        try:
            while True:
                act, length, opcode = _STEPS[data[position]]
                start = position + 1
                if length >= 0:
                    position = start + length
                elif length == _SHORT:
                    start += 1
                    position = start + data[start - 1]
                else:
                    _, start, position = read_opcode(data, position)
                if opcode is _STOP:
                    return
                act(self, opcode, start, position)
        except (IndexError, KeyError, ValueError):
            raise pickle.UnpicklingError(
                "its pickle is cut off, or uses a value that it never stored"
            ) from None

    # Actions of opcodes. All have the same parameters, since they are called through a table.

    def push_scalar(self, _opcode: Opcode, _start: int, _end: int) -> None:
        self._stack.append(_SCALAR)

    def push_sized(self, _opcode: Opcode, start: int, end: int) -> None:
        size = end - start
        self._stack.append(_SIZED[size] if size < len(_SIZED) else _Measure(size=size))

    def push_whole(self, opcode: Opcode, start: int, end: int) -> None:
        self._note_hash(opcode.name, start, end)
        self._stack.append(_Measure(size=end - start))

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
        measures = self._pop_measures(opcode)
        if opcode.name == "FROZENSET":
            self._hash(measures)
            self._take_memory(EMPTY_SIZES[b"\x8f"])
        self._take_memory(_TUPLE_SIZE + _ITEM_SIZE * len(measures))
        result = _Measure(is_risky=True)
        result.depth = 1
        result.take(measures)
        self._check_depth(result)
        self._stack.append(result)

    def contain(self, opcode: Opcode, _start: int, _end: int) -> None:
        measures = self._pop_measures(opcode)
        if opcode.name == "DICT":
            self._hash(measures[::2])
        self._take_memory(_EMPTY_BY_NAME.get(opcode.name, 0))
        result = _GrowingMeasure(depth=1)
        result.take(measures)
        self._check_depth(result)
        self._stack.append(result)

    def fill(self, opcode: Opcode, _start: int, _end: int) -> None:
        container, *measures = self._pop_measures(opcode)
        if type(container) is not _GrowingMeasure:  # other measures are shared by several objects
            raise pickle.UnpicklingError("its pickle fills an object that can't be filled")
        if opcode.name == "ADDITEMS":
            self._hash(measures)
        elif opcode.name.startswith("SETITEM"):
            self._hash(measures[::2])
            if self._calls and container.is_held:  # its holder may have checked it already
                raise pickle.UnpicklingError(
                    "its pickle changes an object that it has already used"
                )
        self._grow(container, measures)
        self._stack.append(container)

    def call(self, opcode: Opcode, _start: int, _end: int) -> None:
        measures = self._pop_measures(opcode)
        size = self._count(measures)
        if opcode.name == "BUILD":
            result, state = measures
            if type(result) is _GrowingMeasure:
                deep = _Measure(0, depth=state.depth)
                self._grow(result, [deep])
        else:  # the result may be filled later, and may hold all bytes of its arguments
            self._take_memory(_CALL_SIZE)
            result = _GrowingMeasure(size=size, depth=1, is_risky=True)
            result.depth += max(item.depth for item in measures)
            self._check_depth(result)
        self._stack.append(result)

    def _grow(self, container: _Measure, measures: list[_Measure]) -> None:
        unpropagated = self._unpropagated
        if not container.is_held:
            container.take(measures)
        else:
            parts, size, depth = container.parts, container.size, container.depth
            container.take(measures)
            unpropagated.parts += container.parts - parts
            unpropagated.size += container.size - size
            unpropagated.depth += container.depth - depth
        self._check_depth(container)

    def _check_depth(self, result: _Measure) -> None:
        if self._calls and result.depth + self._unpropagated.depth > DEPTH_LIMIT:
            raise pickle.UnpicklingError(f"it is nested more than {DEPTH_LIMIT:,} levels deep")

    def _take_memory(self, size: int) -> None:
        self._memory_left -= size
        if self._memory_left < 0:
            raise pickle.UnpicklingError("its pickle creates far more than it contains")

    def take(self, opcode: Opcode, _start: int, _end: int) -> None:
        self._pop_measures(opcode)
        if opcode.pushes:
            self._stack.append(_RISKY)

    def _pop_measures(self, opcode: Opcode) -> list[_Measure]:
        measures: list[_Measure] = []
        stack = self._stack
        if opcode.to_mark:
            index = len(stack) - 1
            while stack[index] is not _MARK:
                index -= 1
                if index < 0:
                    raise IndexError
            measures = stack[index + 1 :]
            del stack[index:]
        if opcode.pops:
            if len(stack) < opcode.pops:
                raise IndexError
            measures = stack[-opcode.pops :] + measures
            del stack[-opcode.pops :]
        return measures

    def _hash(self, keys: list[_Measure]) -> None:
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

    def _count(self, measures: list[_Measure]) -> int:
        """Subtract the arguments of a call from the limits; return their bytes.

        Without real calls, a stand-in reads only the direct parts of its arguments.
        """
        if not self._calls:
            self._parts_left -= sum(item.width for item in measures) + self._unpropagated.parts
            size = 0
        else:
            size = sum(item.size for item in measures) + self._unpropagated.size
            self._parts_left -= sum(item.parts for item in measures) + self._unpropagated.parts
            self._size_left -= size
        if self._parts_left < 0 or self._size_left < 0:
            raise pickle.UnpicklingError("its pickle creates far more than it contains")
        return size

    def _note_hash(self, name: str, start: int, end: int) -> None:
        """Count ints that share a hash, which makes dicts slow."""
        argument = self._data[start:end]
        if name in {"LONG", "INT"}:
            number = int(argument.rstrip(b"L\n"))
        else:
            number = int.from_bytes(argument, "little", signed=True)
        if abs(number) >= _LARGE_HASH and self._by_hash.setdefault(hash(number), number) != number:
            self._collisions_left -= 1
            if self._collisions_left < 0:
                raise pickle.UnpicklingError("too many numbers that have a hash in common")


_Act = Callable[[_LimitChecker, Opcode, int, int], None]

_ACTS: dict[str, _Act] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _LimitChecker.skip),
    "MARK": _LimitChecker.push_mark,
    "DUP": _LimitChecker.repeat,
    "MEMOIZE": _LimitChecker.memoize,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _LimitChecker.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _LimitChecker.get),
    **dict.fromkeys(("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"), _LimitChecker.freeze),
    **dict.fromkeys(
        ("LIST", "DICT", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"), _LimitChecker.contain
    ),
    **dict.fromkeys(("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"), _LimitChecker.fill),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST", "BUILD"), _LimitChecker.call),
    **dict.fromkeys(("POP", "POP_MARK", "STACK_GLOBAL", "PERSID", "BINPERSID"), _LimitChecker.take),
    **dict.fromkeys(("INT", "LONG", "LONG1", "LONG4"), _LimitChecker.push_whole),
}


_EMPTY_BY_NAME = {OPCODES[code[0]].name: size for code, size in EMPTY_SIZES.items()}
_SHORT = -1
_LONG = -2


def _step(opcode: Opcode) -> tuple[_Act, int, Opcode]:
    """Return the action of an opcode, and the number of bytes after it, or how to compute it."""
    if opcode.name in _ACTS:
        act = _ACTS[opcode.name]
    elif opcode.counted or opcode.lines:
        act = _LimitChecker.push_sized
    else:
        act = _LimitChecker.push_scalar if not opcode.pops else _LimitChecker.take
    if opcode.counted == 1:
        return act, _SHORT, opcode
    is_fixed = not opcode.counted and not opcode.lines and opcode.name != "LONG_BINPUT"
    return act, opcode.fixed if is_fixed else _LONG, opcode


_STEPS = {code: _step(opcode) for code, opcode in OPCODES.items()}
_STOP = OPCODES[ord(".")]
