"""Plain arrays: pickles of arrays and scalars of numbers, exactly as numpy writes them.

Such a pickle is recognized as a whole, byte by byte, and never loaded: around the shape, the type
and the bytes of the numbers, all of it is constant. So neither numpy nor a process of its own is
needed. Any pickle that differs in the least is not recognized, and is loaded safely as all others.

The format is that of protocol 4, with which Metaflow pickles, seen in numpy 2.4. That of numpy 1
has another name of a module. numpy is asked for none of this: a test compares.
"""

from __future__ import annotations

import math
import re
import struct
import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["PlainArray", "PlainType", "find_plain_array"]

_TYPES = {
    "b1": ("bool", "?"),
    "f4": ("float32", "f"),
    "f8": ("float64", "d"),
    "i1": ("int8", "b"),
    "i2": ("int16", "h"),
    "i4": ("int32", "i"),
    "i8": ("int64", "q"),
    "u1": ("uint8", "B"),
    "u2": ("uint16", "H"),
    "u4": ("uint32", "I"),
    "u8": ("uint64", "Q"),
}
"""By the text in a pickle: numpy's name, and the format that `struct` has for it."""

_INT_SIZES = {b"K": 1, b"M": 2, b"J": 4}
_INT = rb"(?:K.|M..|J...[\x00-\x7f])"
_SHAPE = rb"\)|%b\x85\x94|%b{2}\x86\x94|%b{3}\x87\x94|\(%b{4,32}t\x94" % (_INT, _INT, _INT, _INT)
_MODULE = rb"(?:\x8c\x16numpy\.(?P<new>_core)|\x8c\x15numpy\.core)\.multiarray\x94"
_DTYPE = (
    rb"\x8c\x05dtype\x94\x93\x94\x8c\x02(?P<type>[a-z][1248])\x94\x89\x88\x87\x94R\x94"
    rb"\(K\x03\x8c\x01(?P<order>[<|])\x94NNNJ\xff{4}J\xff{4}K\x00t\x94b"
)
_LENGTH = rb"(?P<bytes>C(?P<short>.)|B(?P<long>.{4}))"
_START = rb"\x80\x04\x95(?P<frame>.{8})" + _MODULE
_ARRAY = re.compile(
    _START
    + rb"\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94"
    + rb"K\x00\x85\x94C\x01b\x94\x87\x94R\x94\(K\x01(?P<shape>%b)h\x03" % _SHAPE
    + rb"%b\x89%b" % (_DTYPE, _LENGTH),
    re.DOTALL,
)
_SCALAR = re.compile(
    _START + rb"\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\x94(?P<shape>)" + _DTYPE + _LENGTH,
    re.DOTALL,
)
_AFTER_ARRAY, _AFTER_SCALAR = b"\x94t\x94b.", b"\x94\x86\x94R\x94."
_FRAMED = b"\x95%b%b" % (struct.pack("<Q", len(_AFTER_ARRAY)), _AFTER_ARRAY)
_FRAMED_FROM = 11  # bytes: the protocol, and the opcode and the length of the first frame


@dataclass(frozen=True, slots=True)
class PlainType:
    """A type of numbers.

    Attributes:
        code: as in the pickle, without the order of its bytes: "f8".
        order: "<" for little-endian, "|" where there is no order.
    """

    code: str
    order: str

    @property
    def kind(self) -> str:
        """The letter of numpy: "b", "i", "u" or "f"."""
        return self.code[0]

    @property
    def itemsize(self) -> int:
        """The bytes of a number."""
        return int(self.code[1])

    def __str__(self) -> str:
        """Return the name that numpy has for it: "float64"."""
        return _TYPES[self.code][0]


@dataclass(frozen=True, slots=True)
class PlainArray:
    """An array of numbers; what of numpy's arrays is needed here, by the same names.

    Attributes:
        dtype: the type of the numbers.
        shape: the lengths; a scalar has none.
        data: the numbers, the last index changing fastest.
        names: the qualified names that the pickle refers to, sorted.
    """

    dtype: PlainType
    shape: tuple[int, ...]
    data: memoryview
    names: tuple[str, ...]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of numbers."""
        return math.prod(self.shape)

    def item(self) -> Any:
        """Return the only number, as Python has it."""
        return self._numbers()[0]

    def tolist(self) -> Any:
        """Return the numbers, as Python has them, in nested lists; a scalar as itself."""
        if not self.shape:
            return self.item()
        numbers: list[Any] = [*self._numbers()]
        for length in self.shape[:0:-1]:
            numbers = [numbers[start : start + length] for start in range(0, len(numbers), length)]
        return numbers

    def _numbers(self) -> memoryview:
        return self.data.cast(_TYPES[self.dtype.code][1])  # type: ignore[call-overload, no-any-return]


def find_plain_array(data: bytes) -> PlainArray | None:
    """Return the array or the scalar of which these bytes are numpy's pickle; None if of neither.

    An array without numbers, or in Fortran's order, is none of these either.
    """
    match = _ARRAY.match(data) or _SCALAR.match(data)
    if match is None or sys.byteorder != "little":
        return None
    code, order = match["type"].decode(), match["order"].decode()
    if code not in _TYPES:
        return None
    dtype, shape = PlainType(code, order), _read_shape(match["shape"])
    start = match.end()
    end = start + int.from_bytes(match["short"] or match["long"], "little")
    is_honest = (
        (order == "|") is (dtype.itemsize == 1)
        and end - start == math.prod(shape) * dtype.itemsize > 0
        and _ends_as_begun(data, match, end)
    )
    return (
        PlainArray(dtype, shape, memoryview(data)[start:end], _names(match)) if is_honest else None
    )


def _read_shape(text: bytes) -> tuple[int, ...]:
    """Return the lengths in the opcodes of a shape."""
    shape: list[int] = []
    position = 1 if text.startswith((b"(", b")")) else 0
    while (size := _INT_SIZES.get(text[position : position + 1])) is not None:
        end = position + 1 + size
        shape.append(int.from_bytes(text[position + 1 : end], "little"))
        position = end
    return tuple(shape)


def _ends_as_begun(data: bytes, match: re.Match[bytes], end: int) -> bool:
    """Whether only the end of such a pickle follows its numbers, in frames of the right length.

    Python's pickler puts large `bytes` between two frames.
    """
    after = data[end : end + len(_FRAMED) + 1]
    frame = int.from_bytes(match["frame"], "little")
    if match.re is _SCALAR or after == _AFTER_ARRAY:
        expected = _AFTER_SCALAR if match.re is _SCALAR else _AFTER_ARRAY
        return after == expected and frame == len(data) - _FRAMED_FROM
    return after == _FRAMED and frame == match.start("bytes") - _FRAMED_FROM


def _names(match: re.Match[bytes]) -> tuple[str, ...]:
    module = "numpy._core.multiarray" if match["new"] else "numpy.core.multiarray"
    if match.re is _SCALAR:
        return (f"{module}.scalar", "numpy.dtype")
    return (f"{module}._reconstruct", "numpy.dtype", "numpy.ndarray")
