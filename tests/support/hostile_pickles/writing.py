"""Short ways to write pickles that no pickler would write."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

__all__ = ["Evil", "call", "name", "nested", "put", "text"]

PROTOCOL_4 = b"\x80\x04"


class Evil:
    """Pickled as a call of whatever it was given."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call: tuple[Any, ...] = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the call."""
        return self.call


def name(qualified: str) -> bytes:
    """Return the opcode that pushes what a name stands for."""
    module, _, attribute = qualified.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    """Return the opcode that pushes a text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def call(qualified: str, *arguments: bytes) -> bytes:
    """Return the opcodes of a call; the arguments are opcodes."""
    return name(qualified) + b"(" + b"".join(arguments) + b"tR"


def put(place: int) -> bytes:
    """Return the opcode that puts the top of the stack into the memo."""
    return b"r" + struct.pack("<I", place)


def nested(levels: int, joined: bytes) -> bytes:
    """Return opcodes that make something of two of the one below, again and again."""
    return b"".join(
        put(level)
        + b"0"
        + b"("
        + b"j"
        + struct.pack("<I", level)
        + b"j"
        + struct.pack("<I", level)
        + joined
        for level in range(levels)
    )
