"""Pickles written by hand: what Python's own pickle would not write, and what needs no class."""

from __future__ import annotations

import pickle
import struct
from typing import Any

__all__ = [
    "call",
    "dumps",
    "executing",
    "frame",
    "included",
    "instance",
    "laughing",
    "name",
    "path",
    "plain",
    "text",
]

PROTO = b"\x80\x03"


def name(full: str) -> bytes:
    """Push what is found under a name such as `os.system`."""
    module, _, attribute = full.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    """Push a text."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def body(value: Any) -> bytes:  # noqa: PLR0911 - a line per type
    """Push a plain value, with no place of the memo used."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"L" + str(value).encode() + b"L\n"
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return text(value)
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case list():
            return b"](" + b"".join(map(body, value)) + b"e"
        case tuple():
            return b"(" + b"".join(map(body, value)) + b"t"
        case dict():
            items = b"".join(body(key) + body(item) for key, item in value.items())
            return b"}(" + items + b"u"
    raise TypeError(type(value))


def dumps(value: Any) -> bytes:
    """Return the pickle of a plain value."""
    return PROTO + body(value) + b"."


def plain(data: bytes) -> Any:
    """Return the value of a pickle that these tests' own flow run stored."""
    return pickle.loads(data)


def call(function: str, *arguments: bytes) -> bytes:
    """Push the result of a call."""
    return name(function) + b"(" + b"".join(arguments) + b"tR"


def instance(kind: str, state: bytes) -> bytes:
    """Push an object without a call of `__init__`, with a state."""
    return name(kind) + b")\x81" + state + b"b"


def executing(marker: object, *, then: bytes = b"N") -> bytes:
    """Return a pickle that makes a file when it is loaded; and leaves another value, if asked."""
    command = f"touch '{marker}'"
    return PROTO + call("os.system", text(command)) + b"0" + then + b"."


def included(url: Any, *, size: Any = 5, kind: Any = "uploader-v2", **more: Any) -> bytes:
    """Return the pickle of an IncludeFile's descriptor."""
    descriptor = {
        "type": kind,
        "url": url,
        "is_text": True,
        "encoding": "utf-8",
        "note": "Internal representation of IncludeFile",
        "sub-type": "uploaded",
        "size": size,
        **more,
    }
    state = body({"_descriptor": descriptor, "_cached_size": None})
    return PROTO + instance("metaflow.includefile.IncludedFile", state) + b"."


def path(value: str) -> bytes:
    """Return the pickle of a pathlib.Path."""
    return PROTO + call("pathlib.PosixPath", text(value)) + b"."


def laughing(levels: int, opcode: bytes = b"\x86", start: bytes = b")") -> bytes:
    """Push a value that holds itself twice, level by level: tuples, or what an opcode makes."""
    return start + b"".join(
        b"q" + bytes([level]) + b"h" + bytes([level]) + opcode for level in range(levels)
    )


def doubled_lists(levels: int) -> bytes:
    """Push a list of two of the same list, level by level."""
    pushed = b"]q\x00"
    for level in range(1, levels):
        last = bytes([level - 1])
        pushed += b"0](h" + last + b"h" + last + b"eq" + bytes([level])
    return pushed


def nested_lists(depth: int) -> bytes:
    """Push a list in a list, and so on."""
    return b"]" * depth + b"a" * (depth - 1)


def frame() -> bytes:
    """Return the pickle of an honest DataFrame."""
    import pandas as pd  # noqa: PLC0415 - few cases need it

    return pickle.dumps(pd.DataFrame({"a": [1, 2, 3]}), 4)
