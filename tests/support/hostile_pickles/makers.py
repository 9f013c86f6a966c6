"""The corpus: hostile pickles by name. All of them are refused, as values and as tables."""

from __future__ import annotations

import builtins
import importlib
import os
import pickle
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.support.hostile_pickles.writing import PROTOCOL_4, Evil, call, name, nested, put, text

__all__ = ["CORPUS", "MARKER", "OBJECTS"]

MARKER = "MFWB_TEST_WAS_EXECUTED"
_SCRIPT = f"import os; os.putenv('{MARKER}', '1'); open('{MARKER}', 'w')"


def _mark() -> Evil:
    return Evil(os.putenv, MARKER, "1")


def _touch() -> Evil:
    return Evil(os.system, f"touch {MARKER}")


def _in_object_array() -> Any:
    array = np.empty(1, dtype=object)
    array[0] = _mark()
    return array


def _frame_with_attrs() -> Any:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["x"] = _mark()
    return frame


OBJECTS: dict[str, Any] = {
    "os.system": _touch(),
    "eval": Evil(eval, f"open('{MARKER}', 'w')"),
    "exec": Evil(exec, _SCRIPT),
    "import": Evil(builtins.__import__, "antigravity"),
    "importlib": Evil(importlib.import_module, "antigravity"),
    "subprocess": Evil(subprocess.call, ["touch", MARKER]),
    "getattr": Evil(getattr, Evil(builtins.__import__, "os"), "abort"),
    "getattr of a plain class": Evil(getattr, dict, "fromkeys"),
    "read_pickle": Evil(pd.read_pickle, "/etc/passwd"),
    "nested in a list": [1, [_mark()]],
    "nested in a call": Evil(set, [Evil(tuple, [_touch()])]),
    "as a key": {_touch(): 1},
    "in an object array": _in_object_array(),
    "in a frame": pd.DataFrame({"o": _in_object_array()}),
    "in a series": pd.Series(_in_object_array()),
    "in an index": pd.Index(_in_object_array()),
    "in categories": pd.Series(pd.Categorical.from_codes([0], pd.Index(_in_object_array()))),
    "in the attrs of a frame": _frame_with_attrs(),
    "codec": Evil(__import__("_codecs").encode, "x", "rot13"),
    "many bytes": Evil(bytearray, 10**15),
    "bytes of a number": Evil(bytes, 10**12),
    "range": Evil(list, Evil(range, 10**12)),
    "open": Evil(open, MARKER, "w"),
    "setattr": Evil(setattr, dict, "x", 1),
    "numpy.load": Evil(np.load, "/etc/passwd", None, True),  # noqa: FBT003 - as it may be called
    "memmap": Evil(np.memmap, MARKER, "u1", "w+", 0, (10,)),
    "arrow file": Evil(pa.OSFile, MARKER, "w"),
}
"""What Python itself can pickle."""


def _laughs(levels: int, opcode: bytes) -> bytes:
    return PROTOCOL_4 + b")" + nested(levels, opcode)


def _doubled_lists(levels: int) -> bytes:
    return PROTOCOL_4 + b"]" + nested(levels, b"l") + b"."


def _deep_tuple_key() -> bytes:
    return PROTOCOL_4 + b"}" + b")" + b"\x85" * 200_000 + b"Ns."


_TIMES_COPIED = 50_000  # half a minute or ten gigabytes, if they were made


def _copies(maker: str, source: bytes, times: int) -> bytes:
    """Return a pickle that calls one thing with one large argument again and again."""
    again = b"h\x00h\x01Ra"
    stored = name(maker) + b"q\x000" + b"(" + source + b"tq\x010"
    return b"\x80\x04" + stored + b"]" + again * times + b"."


def _many_items() -> bytes:
    return b"]q\x02(" + b"N" * 100_000 + b"e"


def _colliding_keys() -> bytes:
    modulus = 2**61 - 1
    numbers = (number * modulus for number in range(1, 60_000))
    keys = (b"\x8a\x0b" + key.to_bytes(11, "little") + b"N" for key in numbers)
    return PROTOCOL_4 + b"}(" + b"".join(keys) + b"u."


def _colliding_sets() -> bytes:
    modulus = 2**61 - 1
    numbers = (number * modulus for number in range(1, 60_000))
    return (
        PROTOCOL_4
        + b"\x8f("
        + b"".join(b"\x8a\x0b" + item.to_bytes(11, "little") for item in numbers)
        + b"\x90."
    )


def _dtype(described: str, state: bytes) -> bytes:
    return call("numpy.dtype", text(described), b"\x89", b"\x88") + state + b"b"


def _array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    made = call(
        "numpy.core.multiarray._reconstruct", name("numpy.ndarray"), b"K\x00\x85", b"C\x01b"
    )
    return b"\x80\x04" + made + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb."


_PLAIN_STATE = b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"
_FLOATS = _dtype("f8", b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t")
_OBJECTS = _dtype("O8", b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ft")
_HUGE = b"\x8a\x06" + (10**12).to_bytes(6, "little")


def _arrow(parts: bytes) -> bytes:
    return PROTOCOL_4 + name("pyarrow.lib._restore_array") + parts + b"\x85R."


def _arrow_strings(offsets: list[int]) -> bytes:
    buffers = pickle.dumps(pa.array(["x"]))
    wrong = struct.pack("<2i", *offsets)
    assert struct.pack("<2i", 0, 1) in buffers
    return buffers.replace(struct.pack("<2i", 0, 1), wrong)


def _polars(state: bytes, kind: str = "dataframe.frame.DataFrame") -> bytes:
    return PROTOCOL_4 + name(f"polars.{kind}") + b")\x81" + state + b"b."


def _polars_stream(table: Any) -> bytes:
    file = pa.BufferOutputStream()
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return bytes(file.getvalue())


def _pushed(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


def _polars_strings(offsets: list[int]) -> bytes:
    good = _polars_stream(pa.table({"a": ["x"]}))
    assert struct.pack("<2i", 0, 1) in good
    return _polars(_pushed(good.replace(struct.pack("<2i", 0, 1), struct.pack("<2i", *offsets))))


def _series_with_too_many_labels() -> bytes:
    good = pickle.dumps(pd.Series([1.5, 2.5]))
    return good.replace(b"\x8c\x04stop\x94K\x02", b"\x8c\x04stop\x94K\x09", 1)


def _blocks_out_of_place() -> bytes:
    good = pickle.dumps(pd.DataFrame({"a": [1, 2], "b": [1.5, 2]}))
    return good.replace(b"K\x01K\x02K\x01\x87", b"K\x05K\x06K\x01\x87", 1)


def _honest() -> bytes:
    return pickle.dumps({"a": [1, 2.5, {"b"}], "c": (1, "x")})


_WRITTEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "only a stop": lambda: b".",
    "no pickle": lambda: b"\x89PNG\r\n\x1a\n" * 10,
    "protocol 255": lambda: b"\x80\xff].",
    "text of protocol 0": lambda: b"cos\nsystem\n(S'touch " + MARKER.encode() + b"'\ntR.",
    "python 2's name of it": lambda: b"c__builtin__\neval\n(S'1'\ntR.",
    "INST": lambda: b"(S'touch " + MARKER.encode() + b"'\nios\nsystem\n.",
    "OBJ": lambda: b"(cos\nsystem\nS'touch " + MARKER.encode() + b"'\no.",
    "NEWOBJ": lambda: b"\x80\x02" + name("subprocess.Popen") + text(MARKER) + b"\x85\x81.",
    "NEWOBJ_EX": lambda: b"\x80\x04" + name("subprocess.Popen") + b")" + b"}\x92.",
    "NEWOBJ of a function": lambda: b"\x80\x04" + name("collections.Counter") + b")\x81.",
    "_reconstructor": lambda: (
        call("copyreg._reconstructor", name("subprocess.Popen"), name("builtins.object"), b"N")
        + b"."
    ),
    "copyreg.__newobj__": lambda: call("copyreg.__newobj__", name("subprocess.Popen")) + b".",
    "EXT1": lambda: b"\x80\x02\x82\x01.",
    "EXT4": lambda: b"\x80\x02\x84\x01\x00\x00\x00.",
    "persistent id": lambda: b"Pelsewhere\n.",
    "persistent id without end": lambda: b"\x80\x02]" + nested(60, b"l") + b"Q.",
    "STACK_GLOBAL of numbers": lambda: b"\x80\x04K\x01K\x02\x93.",
    "STACK_GLOBAL of a long name": lambda: PROTOCOL_4 + text("m") + text("n" * 900_000) + b"\x93.",
    "BUILD on a class": lambda: name("uuid.UUID") + b"}S'int'\nI1\nsb.",
    "BUILD on a function": lambda: name("collections.Counter") + b"}S'x'\nI1\nsb.",
    "BUILD on a module": lambda: name("builtins.__dict__") + b"}S'x'\nI1\nsb.",
    "BUILD with slots": lambda: name("uuid.UUID") + b"N}S'int'\nI1\ns\x86b.",
    "builtins as a dict": lambda: name("builtins.__dict__") + text("len") + b"Ns.",
    "items of a class": lambda: name("uuid.UUID") + text("x") + b"Ns.",
    "a state twice": lambda: name("uuid.UUID") + b")\x81}S'int'\nI1\nsb}S'int'\nI2\nsb.",
    "__setstate__ by name": lambda: (
        call("builtins.getattr", name("datetime.date"), text("__setstate__")) + b"."
    ),
    "an enum with a payload": lambda: call("user.Color", call("os.system", text("true"))) + b".",
    "an enum of the standard library": lambda: call("http.HTTPStatus", b"K\xc8") + b".",
    "a member of a member": lambda: (
        call(
            "builtins.getattr",
            call("builtins.getattr", name("user.Color"), text("RED")),
            text("__class__"),
        )
        + b"."
    ),
    "laughing lists": lambda: _doubled_lists(60),
    "laughing tuples as a key": lambda: b"\x80\x04}" + b")" + nested(60, b"t") + b"Ns.",
    "laughing tuples in a set": lambda: b"\x80\x04\x8f(" + b")" + nested(60, b"t") + b"\x90.",
    "laughing tuples in a frozenset": lambda: b"\x80\x04(" + b")" + nested(60, b"t") + b"\x91.",
    "laughing tuples in a call": lambda: (
        b"\x80\x04" + name("builtins.set") + b"]" + b")" + nested(60, b"t") + b"a\x85R."
    ),
    "laughing text": lambda: (
        b"\x80\x04" + name("builtins.str") + b"]" + nested(60, b"l") + b"\x85R."
    ),
    "a deep tuple as a key": _deep_tuple_key,
    "a deep list": lambda: PROTOCOL_4 + b"]" * 200_000 + b"a" * 199_999 + b".",
    "a list in itself": lambda: PROTOCOL_4 + b"]\x94h\x00a.",
    "unhashable key": lambda: b"\x80\x04}]Ns.",
    "colliding keys": _colliding_keys,
    "colliding items": _colliding_sets,
    "many tuples as keys": lambda: (
        PROTOCOL_4
        + b"}("
        + b"".join(b"J" + struct.pack("<i", n) + b"N\x86N" for n in range(50_000))
        + b"u."
    ),
    "a memo of two billions": lambda: b"\x80\x02]" + put(2**31 - 1) + b".",
    "a memo of a hundred millions": lambda: b"\x80\x02]" + put(10**8) + b".",
    "a memo in text": lambda: b"]p2147483000\n.",
    "a memo in many digits": lambda: b"]p" + b"9" * 10_000 + b"\n.",
    "bytes without end": lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
    "a bytearray without end": lambda: b"\x80\x05\x96" + struct.pack("<Q", 2**33) + b"x.",
    "text without end": lambda: b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a number without end": lambda: b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
    "a number of negative length": lambda: b"\x80\x02\x8b" + struct.pack("<i", -1) + b"x.",
    "a frame without end": lambda: b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
    "a number in digits": lambda: b"I" + b"9" * 900_000 + b"\n.",
    "a long number in digits": lambda: b"L" + b"9" * 900_000 + b"L\n.",
    "many calls with one list": lambda: _copies("builtins.set", _many_items(), _TIMES_COPIED),
    "many counters of one dict": lambda: _copies(
        "collections.Counter",
        b"}q\x02(" + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(50_000)) + b"u",
        _TIMES_COPIED,
    ),
    "many lists of one list": lambda: _copies("builtins.list", _many_items(), _TIMES_COPIED),
    "many copies of bytes": lambda: _copies(
        "builtins.bytearray", b"B" + struct.pack("<I", 300_000) + b"x" * 300_000, _TIMES_COPIED
    ),
    "a fraction of a billion digits": lambda: (
        call("fractions.Fraction", text("1e999999999")) + b"."
    ),
    "a fraction of large numbers": lambda: (
        call(
            "fractions.Fraction",
            *[
                b"\x8b" + struct.pack("<i", 400_000) + os.urandom(399_999) + b"\x01"
                for _ in range(2)
            ],
        )
        + b"."
    ),
    "a decimal of a large number": lambda: (
        call("decimal.Decimal", b"\x8b" + struct.pack("<i", 900_000) + b"\x01" * 900_000) + b"."
    ),
    "a decimal of a list": lambda: call("decimal.Decimal", b"]" + nested(40, b"l")) + b".",
    "a large complex": lambda: call("builtins.complex", text("1" * 900_000 + "x")) + b".",
    "a datetime of nonsense": lambda: call("datetime.datetime", b"C\x0a" + b"\xff" * 10) + b".",
    "a timedelta of infinity": lambda: call("datetime.timedelta", b"G\x7f\xf0" + b"\0" * 6) + b".",
    "a zone of nonsense": lambda: call("datetime.timezone", b"K\x01") + b".",
    "a uuid of text": lambda: name("uuid.UUID") + b")\x81}" + text("int") + text("x") + b"sb.",
    "a zone outside": lambda: (
        PROTOCOL_4
        + call("builtins.getattr", name("zoneinfo.ZoneInfo"), text("_unpickle"))
        + text("../../../etc/passwd")
        + b"K\x01\x86R."
    ),
    "a path of many parts": lambda: (
        call("pathlib.PosixPath", *[text("a" * 900_000)] * 1)
        + b"q\x000("
        + (b"h\x00" * 300_000)
        + b"t"
        + b"."
    ),
    "an array that is larger than its data": lambda: _array(
        _FLOATS, _HUGE + b"\x85", b"C\x08" + b"x" * 8
    ),
    "an object array that is larger than its list": lambda: _array(
        _OBJECTS, _HUGE + b"\x85", b"]Na"
    ),
    "an array of negative size": lambda: _array(_FLOATS, b"J\xff\xff\xff\xff\x85", b"C\x00"),
    "an array of nothing": lambda: _array(
        _dtype("V0", b"(K\x03" + text("|") + b"NNNK\x00K\x01K\x00t"), _HUGE + b"\x85", b"C\x00"
    ),
    "pointers out of bytes": lambda: _array(
        _dtype("O8", _PLAIN_STATE), b"K\x01\x85", b"C\x08" + b"A" * 8
    ),
    "an itemsize that is not": lambda: _array(
        _dtype("S8", b"(K\x03" + text("|") + b"NNNM\xff\xffK\x01K\x00t"),
        b"K\x01\x85",
        b"C\x08" + b"x" * 8,
    ),
    "a field that reaches beyond": lambda: _array(
        _dtype(
            "V8",
            b"(K\x03"
            + text("|")
            + b"N"
            + text("a")
            + b"\x85}"
            + text("a")
            + _FLOATS
            + b"K\x04\x86sK\x08K\x01K\x10t",
        ),
        b"K\x01\x85",
        b"C\x08" + b"x" * 8,
    ),
    "objects as a field": lambda: _array(
        _dtype(
            "V8",
            b"(K\x03"
            + text("|")
            + b"N"
            + text("a")
            + b"\x85}"
            + text("a")
            + _OBJECTS
            + b"K\x00\x86sK\x08K\x01K\x3ft",
        ),
        b"K\x01\x85",
        b"C\x08" + b"A" * 8,
    ),
    "a dtype of lists": lambda: call("numpy.dtype", b"]" + nested(40, b"l")) + b".",
    "a scalar of a gigabyte": lambda: (
        call("numpy.core.multiarray.scalar", call("numpy.dtype", text("S1000000000"))) + b"."
    ),
    "a scalar of objects": lambda: (
        call("numpy.core.multiarray.scalar", call("numpy.dtype", text("O8")), b"C\x08" + b"A" * 8)
        + b"."
    ),
    "a scalar that is too short": lambda: (
        call("numpy.core.multiarray.scalar", call("numpy.dtype", text("f8")), b"C\x01x") + b"."
    ),
    "items of an array": lambda: (
        call("numpy.core.multiarray._reconstruct", name("numpy.ndarray"), b"K\x00\x85", b"C\x01b")
        + b"K\x00K\x00s."
    ),
    "a frame of polars without a state": lambda: (
        PROTOCOL_4 + name("polars.dataframe.frame.DataFrame") + b")\x81."
    ),
    "a frame of polars made of text": lambda: _polars(text("x")),
    "a frame of polars made of a dict": lambda: _polars(b"}" + text("_df") + b"Ns"),
    "a frame of polars that is no stream": lambda: _polars(_pushed(b"\xff" * 100)),
    "a frame of polars that is cut off": lambda: _polars(
        _pushed(_polars_stream(pa.table({"a": ["x"]}))[:150])
    ),
    "a frame of polars with a state twice": lambda: (
        _polars(_pushed(_polars_stream(pa.table({"a": ["x"]}))))[:-1] + b"]b."
    ),
    "a frame of polars that is called": lambda: (
        call("polars.dataframe.frame.DataFrame", text("x")) + b"."
    ),
    "a series of polars of two columns": lambda: _polars(
        _pushed(_polars_stream(pa.table({"a": [1], "b": [1]}))), "series.series.Series"
    ),
    "polars offsets beyond the end": lambda: _polars_strings([0, 2**30]),
    "polars offsets before the start": lambda: _polars_strings([-(2**30), 1]),
    "polars nulls without end": lambda: _polars(
        _pushed(_polars_stream(pa.table({"a": pa.nulls(20_000_000)})))
    ),
    "arrow offsets beyond the end": lambda: _arrow_strings([0, 2**30]),
    "arrow offsets before the start": lambda: _arrow_strings([-(2**30), 1]),
    "arrow nulls without end": lambda: pickle.dumps(pa.nulls(3)).replace(
        b"K\x03K\x03", _HUGE + _HUGE
    ),
    "arrow parts of parts": lambda: _arrow(
        b"(" + call("pyarrow.lib.type_for_alias", text("null")) + b"K\x01K\x00K\x00]](NtNt"
    ),
    "laughing arrow types": lambda: (
        PROTOCOL_4
        + call("pyarrow.lib.type_for_alias", text("int8"))
        + b"".join(
            put(n)
            + b"0"
            + name("pyarrow.lib.struct")
            + b"(("
            + text("a")
            + b"j"
            + struct.pack("<I", n)
            + b"\x86"
            + text("b")
            + b"j"
            + struct.pack("<I", n)
            + b"\x86lt\x85R"
            for n in range(30)
        )
        + b"."
    ),
    "chunks that are no arrays": lambda: (
        call("pyarrow.lib.chunked_array", b"](]" + nested(40, b"l") + b"e") + b"."
    ),
    "a series with too many labels": _series_with_too_many_labels,
    "blocks out of place": _blocks_out_of_place,
    "a frame of a trillion columns": lambda: (
        pickle.dumps(pd.DataFrame(columns=pd.RangeIndex(3))).replace(b"K\x03", _HUGE) + b""
    ),
    "opcodes without end": lambda: b"\x80\x04" + b"N" * 1_000_000,
    "sets without end": lambda: b"\x80\x04(" + b"\x8f" * 300_000 + b"l\x93.",
    "a million marks": lambda: b"\x80\x04" + b"(" * 999_990 + b".",
    "tuples without end": lambda: b"\x80\x04" + b"N" + b"\x85" * 100_000 + b"\x93.",
    "pops too many": lambda: b"\x80\x04N00000.",
    "a memo that is not there": lambda: b"\x80\x04h\x07.",
    "a buffer from elsewhere": lambda: b"\x80\x05\x97.",
}

_CLASS = b"ca\nB\nq\x00"  # some class, whose stand-in takes whatever a pickle does to it
_MANY_NONES = b"(" + b"N" * 100_000 + b"t"


def _again(made: bytes, times: int) -> bytes:
    """Return a pickle that makes something again and again out of places 0 to 2 of its memo."""
    return b"(" + made * times + b"t."


def _number(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def _collisions(count: int) -> list[bytes]:
    return [_number((2**61 - 1) * number) for number in range(1, count + 1)]


def _torch_storage(header: bytes) -> bytes:
    return PROTOCOL_4 + b"ctorch.storage\n_load_from_bytes\nq\x00" + _pushed(header) + b"\x85q\x01"


def _bare(name_: str, state: bytes = b"") -> bytes:
    """Return the opcodes that make an object of a class out of nothing."""
    return name(name_) + b")\x81" + (state + b"b" if state else b"")


def _dict(**facts: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in facts.items()) + b"u"


def _index(kind: str, **facts: bytes) -> bytes:
    return call("pandas.core.indexes.base._new_Index", name(f"pandas.{kind}"), _dict(**facts))


def _in_a_series(values: bytes, count: int = 1) -> bytes:
    labels = _index("RangeIndex", start=b"K\x00", stop=_number(count), step=b"K\x01", name=b"N")
    block = _dict(
        values=values, mgr_locs=call("builtins.slice", b"K\x00", _number(count), b"K\x01")
    )
    facts = (
        b"}" + text("0.14.1") + _dict(axes=b"]" + labels + b"a", blocks=b"]" + block + b"a") + b"s"
    )
    state = b"(" + b"NNN" + facts + b"t"
    manager = _bare("pandas.core.internals.managers.SingleBlockManager", state)
    return PROTOCOL_4 + _bare("pandas.Series", _dict(_mgr=manager, _typ=text("series"))) + b"."


def _array_of(dtype: bytes, count: int, data: bytes) -> bytes:
    return _array(dtype, _number(count) + b"\x85", data)[2:-1]


_TIMES = _dtype(
    "M8",
    b"(K\x04"
    + text("<")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00}(C\x02nsK\x01K\x01K\x01tt\x86t",
)
_BYTES = _dtype("i1", b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t")
_DATETIMES = "pandas.core.arrays.datetimes.DatetimeArray"
_FILE = text("dateutil//etc/hostname")


def _arrow_parts(kind: bytes, length: int, offset: int, buffers: bytes, nulls: int = 0) -> bytes:
    return _arrow(
        b"(" + kind + _number(length) + _number(nulls) + _number(offset) + buffers + b"]Nt"
    )


def _arrow_buffer(data: bytes) -> bytes:
    return call("pyarrow.lib.py_buffer", _pushed(data))


def _alias(kind: str) -> bytes:
    return call("pyarrow.lib.type_for_alias", text(kind))


def _nested_calls(maker: str, first: bytes, levels: int) -> bytes:
    """Return a pickle of what holds one of its kind, which holds one of its kind, and so on."""
    again = b"\x85q\x010h\x00h\x01R"
    return PROTOCOL_4 + name(maker) + b"q\x000" + first + again * levels + b"."


_LATER: dict[str, Callable[[], bytes]] = {
    # The limits have to cover stand-ins that hold other objects, too.
    "many sets": lambda: PROTOCOL_4 + b"(" + b"\x8f" * 3_000_000 + b"l0cos\nsystem\n.",
    "many lists": lambda: PROTOCOL_4 + b"(" + b"]" * 3_500_000 + b"l0cos\nsystem\n.",
    "a long name again and again": lambda: (
        PROTOCOL_4
        + b"\x8c\x01m\x94"
        + text("n" * 900_000)
        + b"\x94("
        + b"h\x00h\x01\x93" * 100_000
        + b"t."
    ),
    "very many names": lambda: (
        PROTOCOL_4 + b"(" + b"".join(b"cm\nn%d\n" % number for number in range(100_000)) + b"t."
    ),
    "many names of enums": lambda: (
        PROTOCOL_4 + b"(" + b"".join(b"cm\nN%d\n" % number for number in range(100_000)) + b"t."
    ),
    "many arguments again and again": lambda: (
        PROTOCOL_4 + _CLASS + _MANY_NONES + b"q\x01" + _again(b"h\x00h\x01R", 100_000)
    ),
    "many arguments of a new object": lambda: (
        PROTOCOL_4 + _CLASS + _MANY_NONES + b"q\x01" + _again(b"h\x00h\x01\x81", 100_000)
    ),
    "many named arguments again and again": lambda: (
        PROTOCOL_4
        + _CLASS
        + b")q\x01}("
        + b"".join(text(f"a{number}") + b"N" for number in range(30_000))
        + b"uq\x02"
        + _again(b"h\x00h\x01h\x02\x92", 50_000)
    ),
    "a text again and again": lambda: (
        PROTOCOL_4 + _CLASS + text("n" * 900_000) + b"q\x01" + _again(b"h\x01", 500_000)
    ),
    "a storage of torch that is no end": lambda: (
        _torch_storage(b"\x80\x04}" + b")" + nested(60, b"t") + b"Ns.") + b"R."
    ),
    "a storage of torch again and again": lambda: (
        _torch_storage(PROTOCOL_4 + b"(" + b"N" * 50_000 + b"t.") + _again(b"h\x00h\x01R", 100_000)
    ),
    "colliding tuples": lambda: (
        PROTOCOL_4
        + b"}("
        + b"".join(collision + b"\x85N" for collision in _collisions(9_000))
        + b"u."
    ),
    "colliding items of a set by call": lambda: (
        PROTOCOL_4 + call("builtins.set", b"](" + b"".join(_collisions(9_000)) + b"e") + b"."
    ),
    "colliding floats": lambda: (
        PROTOCOL_4
        + b"}("
        + b"".join(
            b"G" + struct.pack(">d", 2.0**number) + b"\x85N" for number in range(1, 1000, 61)
        )
        * 900
        + b"u."
    ),
    "keys that are alike until the end": lambda: (
        PROTOCOL_4
        + b"}("
        + b"".join(b"(" + b"N" * 900 + b"J" + struct.pack("<i", n) + b"tN" for n in range(9_000))
        + b"u."
    ),
    "what is filled after it was used": lambda: (
        PROTOCOL_4
        + name("builtins.frozenset")
        + b"q\x00]q\x02\x85q\x01(h\x02("
        + b"N" * 50_000
        + b"e"
        + b"h\x00h\x01R" * 60_000
        + b"t."
    ),
    # What is nested is freed by recursion.
    "deep slices": lambda: _nested_calls("builtins.slice", b"N", 200_000),
    "deep queues": lambda: (
        PROTOCOL_4
        + name("collections.deque")
        + b"q\x000N"
        + b"q\x010h\x00)Rh\x01a" * 100_000
        + b"."
    ),
    "deep dicts with a default": lambda: (
        PROTOCOL_4
        + name("collections.defaultdict")
        + b"q\x000N"
        + b"q\x010h\x00)RNh\x01s" * 100_000
        + b"."
    ),
    "deep from above": lambda: (
        PROTOCOL_4
        + name("collections.deque")
        + b"q\x000"
        + b"h\x00)R"
        + b"h\x00)Rq\x01ah\x010" * 1
        + b"".join(b"h\x00)R" + put(n + 10) + b"0" for n in range(50_000))
        + b"".join(
            b"j" + struct.pack("<I", n + 10) + b"j" + struct.pack("<I", n + 11) + b"a0"
            for n in range(49_999)
        )
        + b"."
    ),
    "deep arrays": lambda: (
        PROTOCOL_4
        + b"N"
        + b"".join(put(1) + b"0" + _array_of(_OBJECTS, 1, b"]h\x01a") for _ in range(3_000))
        + b"."
    ),
    # No array without its data.
    "an array out of nothing": lambda: (
        PROTOCOL_4 + call("numpy.ndarray", b"J@B\x0f\x00\x85", _FLOATS) + b"."
    ),
    "a new array out of nothing": lambda: (
        PROTOCOL_4 + name("numpy.ndarray") + b"J@B\x0f\x00\x85" + _FLOATS + b"\x86\x81."
    ),
    "an array out of nothing in a series": lambda: _in_a_series(
        call("numpy.ndarray", b"J@B\x0f\x00\x85", _FLOATS), 10**6
    ),
    "an array of a gigabyte of text": lambda: (
        PROTOCOL_4
        + call("numpy.ndarray", b"K\x01\x85", call("numpy.dtype", text("S999999999")))
        + b"."
    ),
    "an array from less than it takes": lambda: (
        PROTOCOL_4
        + call(
            "numpy.core.numeric._frombuffer",
            _pushed(b"x" * 8),
            _FLOATS,
            b"J@B\x0f\x00\x85",
            text("C"),
        )
        + b"."
    ),
    "bytes of arrow out of a number": lambda: call("pyarrow.lib.py_buffer", _number(10**9)) + b".",
    "a buffer of arrow's own": lambda: call("pyarrow.lib.allocate_buffer", _number(10**9)) + b".",
    "arrow items beyond their buffer": lambda: _arrow_parts(
        _alias("int64"), 10**6, 0, b"](N" + _arrow_buffer(b"x" * 8) + b"e"
    ),
    "arrow items before their buffer": lambda: _arrow_parts(
        _alias("int64"), 1, -(2**20), b"](N" + _arrow_buffer(b"x" * 8) + b"e"
    ),
    "a negative number of arrow items": lambda: _arrow_parts(
        _alias("int64"), -5, 0, b"](N" + _arrow_buffer(b"x" * 8) + b"e"
    ),
    "arrow items without a buffer": lambda: _arrow_parts(_alias("int64"), 5, 0, b"](NNe"),
    "more arrow nulls than items": lambda: _arrow_parts(
        _alias("int64"), 1, 0, b"](N" + _arrow_buffer(b"x" * 8) + b"e", nulls=2**40
    ),
    "a validity of arrow that is too short": lambda: _arrow_parts(
        _alias("int8"),
        500,
        0,
        b"](" + _arrow_buffer(b"x") + _arrow_buffer(b"x" * 500) + b"e",
        nulls=-1,
    ),
    "a decimal of a billion digits": lambda: _arrow_parts(
        call("pyarrow.lib.decimal128", b"K\x26", _number(2**30)),
        1,
        0,
        b"](N" + _arrow_buffer(b"x" * 16) + b"e",
    ),
    "lists of a billion items": lambda: _arrow_parts(
        call("pyarrow.lib.list_", _alias("int8"), _number(10**9)), 1, 0, b"]Na"
    ),
    "an arrow dictionary without numbers": lambda: _arrow_parts(
        call("pyarrow.lib.dictionary", _alias("string"), _alias("string"), b"\x89"), 1, 0, b"](NNe"
    ),
    "times out of nothing": lambda: _in_a_series(_bare(_DATETIMES)),
    "categories out of nothing": lambda: _in_a_series(
        _bare("pandas.core.arrays.categorical.Categorical")
    ),
    "a masked array out of nothing": lambda: _in_a_series(
        _bare("pandas.core.arrays.boolean.BooleanArray")
    ),
    "a mask that is too short": lambda: _in_a_series(
        _bare(
            "pandas.core.arrays.integer.IntegerArray",
            _dict(_data=_array_of(_BYTES, 3, b"C\x03abc"), _mask=_array_of(_BYTES, 1, b"C\x01a")),
        ),
        3,
    ),
    "text of arrow out of nothing": lambda: _in_a_series(
        _bare("pandas.core.arrays.string_arrow.ArrowStringArray", _dict(_pa_array=b"N"))
    ),
    "intervals out of nothing": lambda: _in_a_series(
        _bare("pandas.core.arrays.interval.IntervalArray")
    ),
    "an index of a list": lambda: PROTOCOL_4 + _index("Index", data=b"]Na") + b".",
    "an index of a trillion": lambda: (
        PROTOCOL_4
        + _index("RangeIndex", start=b"K\x00", stop=_number(10**12), step=b"K\x01")
        + b"."
    ),
    "an index without codes": lambda: (
        PROTOCOL_4 + _index("MultiIndex", levels=b"]", codes=b"]Na", names=b"]") + b"."
    ),
    "times without a unit": lambda: _array(
        _dtype("M8", b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"),
        b"K\x01\x85",
        b"C\x08" + b"x" * 8,
    ),
    "a time span without a unit": lambda: (
        PROTOCOL_4
        + call(
            "numpy.core.multiarray.scalar",
            _dtype("m8", b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"),
            b"C\x08" + b"x" * 8,
        )
        + b"."
    ),
    "fields of a dtype that are no tuple": lambda: (
        PROTOCOL_4
        + _dtype(
            "V8",
            b"(K\x03"
            + text("|")
            + b"N]"
            + text("a")
            + b"a}"
            + text("a")
            + _FLOATS
            + b"K\x00\x86sK\x08K\x01K\x10t",
        )
        + b"."
    ),
    "a field that is moved beyond the end later on": lambda: _array(
        _dtype(
            "V8",
            b"(K\x03"
            + text("|")
            + b"N"
            + text("a")
            + b"\x85}"
            + text("a")
            + _FLOATS
            + b"K\x00\x86s"
            + put(77)
            + b"K\x08K\x01K\x10t",
        )
        + b"j"
        + struct.pack("<I", 77)
        + text("a")
        + _FLOATS
        + b"J\x00\x00\x10\x00\x86s0",
        b"K\x01\x85",
        b"C\x08" + b"x" * 8,
    ),
    # No file that a name stands for.
    "a time zone in a file": lambda: (
        PROTOCOL_4 + call("pandas.core.dtypes.dtypes.DatetimeTZDtype", text("ns"), _FILE) + b"."
    ),
    "a time zone in a file, as a state": lambda: (
        PROTOCOL_4
        + _bare("pandas.core.dtypes.dtypes.DatetimeTZDtype", _dict(unit=text("ns"), tz=_FILE))
        + b"."
    ),
    "a time zone in a file, of an index": lambda: (
        PROTOCOL_4
        + call(
            "pandas.core.indexes.datetimes._new_DatetimeIndex",
            name("pandas.DatetimeIndex"),
            _dict(data=_array_of(_BYTES, 1, b"C\x01a"), tz=_FILE, freq=b"N"),
        )
        + b"."
    ),
    "a dtype whose time zone is in a file": lambda: (
        PROTOCOL_4
        + call("pandas.Series", b"N", b"N", text("datetime64[ns, dateutil//etc/hostname]"))
        + b"."
    ),
    "an interval of times in a file": lambda: (
        PROTOCOL_4
        + call("pandas.IntervalDtype", text("datetime64[ns, dateutil//etc/hostname]"))
        + b"."
    ),
    "a time zone of pytz outside": lambda: (
        PROTOCOL_4 + call("pytz._p", text("../../../../etc/hostname")) + b"."
    ),
    "a time zone called by name": lambda: (
        PROTOCOL_4 + call("zoneinfo.ZoneInfo", text("../etc/hostname")) + b"."
    ),
    "a frame of text": lambda: PROTOCOL_4 + call("pandas.DataFrame", text("x")) + b".",
}

_NEW = b"cu\nThing\n)\x81"  # an object of a class of users'
_FIELD = text("a")


def _members_again(argument: bytes, count: int) -> bytes:
    """Return a pickle of a list of members of an enum, all with one value."""
    made = b"cu\nThing\nq\x000" + argument + b"q\x010"
    return PROTOCOL_4 + made + b"](" + b"h\x00h\x01\x85R" * count + b"e."


def _state(state: bytes, *, before: bytes = _NEW) -> bytes:
    return PROTOCOL_4 + before + state + b"b."


_LONE = b"X\x03\x00\x00\x00\xed\xa0\x80"  # half of a letter of two
_LONG = b"A" * 990
_CONFIG = "metaflow.user_configs.config_parameters.ConfigValue"

OF_USERS: dict[str, Callable[[], bytes]] = {
    # What stands in for objects of users' classes, and for classes: some of it can be shown.
    "one name of an enum again and again": lambda: PROTOCOL_4 + b"(" + b"cm\nN\n" * 20_000 + b"t.",
    "a long name that is fetched again and again": lambda: (
        PROTOCOL_4 + b"c" + _LONG + b"\nN\nq\x00(" + b"h\x00" * 200_000 + b"t."
    ),
    "many names of one long module": lambda: (
        PROTOCOL_4
        + text("A" * 990)
        + b"q\x00("
        + b"".join(b"h\x00" + text(f"N{number:04}") + b"\x93" for number in range(5_000))
        + b"t."
    ),
    "a name that is too long": lambda: PROTOCOL_4 + b"c" + _LONG + b"\nN" + b"n" * 90 + b"\n.",
    "a name with half a letter": lambda: PROTOCOL_4 + text("u") + _LONE + b"\x93.",
    "a name with a NUL": lambda: PROTOCOL_4 + b"cu\nThi\x00ng\n.",
    "a name below another one": lambda: PROTOCOL_4 + text("u") + text("os.System") + b"\x93)R.",
    "a name that looks like a builtin": lambda: (
        PROTOCOL_4 + call("__main__.Eval", text("1")) + b"."
    ),
    "a builtin that looks like a class": lambda: PROTOCOL_4 + call("builtins.Exception") + b".",
    "a class as a key": lambda: PROTOCOL_4 + b"}cu\nThing\nNs.",
    "a state twice": lambda: PROTOCOL_4 + _NEW + b"}b}b.",
    "a state twice, in a list": lambda: PROTOCOL_4 + b"]" + _NEW + b"q\x00}bah\x00}b.",
    "a state of a member": lambda: PROTOCOL_4 + call("u.Thing", b"K\x01") + b"}b.",
    "a state by name": lambda: (
        PROTOCOL_4 + call("builtins.getattr", name("u.Thing"), text("__setstate__")) + b"}\x85R."
    ),
    "the type of a class, by name": lambda: (
        PROTOCOL_4 + call("builtins.getattr", name("u.Thing"), text("mro")) + b")R."
    ),
    "fields that have names of Python's": lambda: _state(
        _dict(
            __class__=name("u.Other"),
            __dict__=b"K\x01",
            __setstate__=b"N",
            as_plain=b"N",
            _parts=b"N",
        )
    ),
    "slots that have names of Python's": lambda: _state(
        b"N" + _dict(__class__=name("u.Other"), _parts=b"N", as_plain=b"N") + b"\x86"
    ),
    "fields with half a letter": lambda: _state(b"}" + _LONE + _LONE + b"s"),
    "a member of half a letter": lambda: PROTOCOL_4 + call("u.Thing", _LONE) + b".",
    "a member of a million digits": lambda: (
        PROTOCOL_4
        + call("u.Thing", b"\x8b" + struct.pack("<i", 400_000) + b"\x7f" * 400_000)
        + b"."
    ),
    "a long member again and again": lambda: _members_again(text("\U000e0001" * 20_000), 3_000),
    "an object in itself": lambda: PROTOCOL_4 + _NEW + b"q\x00}" + _FIELD + b"h\x00sb.",
    "an object made of itself": lambda: PROTOCOL_4 + b"]q\x00cu\nThing\nh\x00NN\x87Rah\x00.",
    "an object as a key of its own": lambda: PROTOCOL_4 + _NEW + b"q\x00}h\x00Nsb.",
    "an object in its own key": lambda: PROTOCOL_4 + _NEW + b"q\x00}h\x00h\x00\x86Nsb.",
    "laughing objects": lambda: PROTOCOL_4 + b"N" + nested(60, b"tq\x7f0cu\nThing\nh\x7fR") + b".",
    "laughing states": lambda: PROTOCOL_4 + b"N" + nested(60, b"lq\x7f0" + _NEW + b"h\x7fb") + b".",
    "short laughs": lambda: PROTOCOL_4 + b"N" + nested(17, b"l") + b".",
    "deep objects": lambda: (
        PROTOCOL_4 + _NEW * 5_000 + b"".join(b"}" + _FIELD + b"Nsb0" for _ in range(4_999)) + b"."
    ),
    "objects of objects of objects": lambda: (
        PROTOCOL_4 + b"N" + b"\x85q\x010cu\nThing\nh\x01R" * 900 + b"."
    ),
    "keys that all look alike": lambda: (
        PROTOCOL_4 + b"cu\nThing\nq\x000}(" + b"h\x00)\x81N" * 9_900 + b"u."
    ),
    "numbers that all look alike": lambda: (
        PROTOCOL_4 + b"}(" + (b"G" + struct.pack(">d", float("nan")) + b"N") * 60_000 + b"u."
    ),
    "a range without an end": lambda: (
        PROTOCOL_4 + call("builtins.range", b"K\x00", _number(2**31 - 1), b"K\x01") + b"."
    ),
    "a range of a million digits": lambda: (
        PROTOCOL_4
        + call(
            "builtins.range",
            b"K\x00",
            b"\x8b" + struct.pack("<i", 400_000) + b"\x7f" * 400_000,
            b"K\x01",
        )
        + b"."
    ),
    "a range of objects": lambda: PROTOCOL_4 + call("builtins.range", _NEW, _NEW, _NEW) + b".",
    "a config in itself": lambda: (
        PROTOCOL_4 + name(_CONFIG) + b"}q\x00\x85Rq\x010h\x00" + _FIELD + b"h\x01s."
    ),
    "a config that is filled": lambda: PROTOCOL_4 + call(_CONFIG, b"}") + _FIELD + b"Ns.",
    "a path of an object": lambda: PROTOCOL_4 + call("pathlib.PurePosixPath", _NEW) + b".",
    "a path whose text is none": lambda: _state(
        b"N" + _dict(_str=b"K\x01", _raw_paths=b"K\x01", _parts=b"K\x01") + b"\x86",
        before=call("pathlib.PurePosixPath", text("a")),
    ),
    "an id whose number is none": lambda: _state(
        _dict(int=text("x")), before=b"cuuid\nUUID\n)\x81"
    ),
    "objects in an array, which is in itself": lambda: (
        PROTOCOL_4
        + call("numpy.core.multiarray._reconstruct", name("numpy.ndarray"), b"K\x00\x85", b"C\x01b")
        + b"q\x00(K\x01K\x01\x85"
        + call("numpy.dtype", text("O8"), b"\x89", b"\x88")
        + b"\x89]h\x00atb."
    ),
}
"""Those of which something may be shown, or not: whatever comes of them costs little."""


def _pickled(value: Any, protocol: int) -> Callable[[], bytes]:
    return lambda: pickle.dumps(value, protocol=protocol)


def _cut(length: int) -> Callable[[], bytes]:
    return lambda: _honest()[:length]


CORPUS: dict[str, Callable[[], bytes]] = {
    **{
        f"{key} ({protocol})": _pickled(value, protocol)
        for key, value in OBJECTS.items()
        for protocol in (2, 4)
    },
    **_WRITTEN,
    **_LATER,
    **{f"cut off after {length}": _cut(length) for length in range(1, len(_honest()))},
}
