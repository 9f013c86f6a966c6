"""Pickles where Metaflow puts some: as values, tables, parameters, its own artifacts; compared.

Hundreds of pickles more are tried out one by one in tests/support/hostile_pickles; these are those
that are read elsewhere.
"""

from __future__ import annotations

import struct

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

_FRAME = "<class 'pandas.core.frame.DataFrame'>"
_DICT = "<class 'dict'>"
_ARRAY = "<class 'numpy.ndarray'>"


@attack("4c", sampled=True, explain="start/values")
def as_a_value(run: StoredRun, scene: Scene) -> None:
    """A value runs a command when it is loaded."""
    run.replace("values", opcodes.executing(scene.marker(run)))
    run.replace("number", opcodes.executing(scene.marker(run), then=b"K\x07"), steps=("start",))


@attack("4c", sampled=True)
def as_a_table(run: StoredRun, scene: Scene) -> None:
    """A table runs a command when it is loaded."""
    run.replace("frame", opcodes.executing(scene.marker(run)), _FRAME)


@attack("4c", sampled=True, explain="_parameters/rate")
def as_a_parameter(run: StoredRun, scene: Scene) -> None:
    """A parameter runs a command when it is loaded."""
    run.replace("rate", opcodes.executing(scene.marker(run), then=b"G?\xe0" + bytes(6)))


@attack("4c", sampled=True)
def as_internal_artifacts(run: StoredRun, scene: Scene) -> None:
    """Each of Metaflow's own artifacts runs a command when it is loaded."""
    for name in ("_transition", "_foreach_stack", "_iteration_stack", "_success", "_exception",
                 "_task_ok", "_current_step", "_configs_processed", "name"):  # fmt: skip
        pickled = opcodes.executing(scene.marker(run), then=opcodes.text(name))
        run.replace(name, pickled, steps=("start", "middle", "end"))


@attack("4c")
def as_a_caught_exception(run: StoredRun, scene: Scene) -> None:
    """A caught exception runs a command when it is loaded."""
    run.add("_catch_exception", opcodes.executing(scene.marker(run)), "<class 'x'>", steps=("end",))


@attack("4c")
def as_a_state(run: StoredRun, scene: Scene) -> None:
    """An exception is of a class that is allowed, and its state is not."""
    evil = opcodes.call("os.system", opcodes.text(f"touch '{scene.marker(run)}'"))
    state = b"}" + opcodes.text("type") + evil + b"s"
    raised = opcodes.instance("metaflow.exception.MetaflowExceptionWrapper", state)
    run.replace("_exception", opcodes.PROTO + raised + b".", steps=("end",))


@attack("4c")
def by_other_names(run: StoredRun, scene: Scene) -> None:
    """Values call what leads to commands by longer ways."""
    command = f"__import__('os').system('touch {scene.marker(run)}')".replace("'touch", '"touch')
    command = command.replace("')", '")') if command.endswith("')") else command
    evil = (
        opcodes.call("builtins.eval", opcodes.text(command)),
        opcodes.call("builtins.exec", opcodes.text(command)),
        opcodes.call("pandas.eval", opcodes.text(command)),
        opcodes.call("numpy.load", opcodes.text(str(scene.netrc))),
        opcodes.call("pandas.read_pickle", opcodes.text(str(scene.netrc))),
    )
    names = ("values", "kept", "frame", "number")
    for name, pushed in zip(names, evil, strict=False):
        run.replace(name, opcodes.PROTO + pushed + b".")


def _compared(  # noqa: PLR0913 - each is a part of the case
    name: str, story: str, first: bytes, second: bytes, kind: str = _DICT, *, sampled: bool = False
) -> None:
    """Add a case in which two steps have other pickles of one name and type."""

    def build(run: StoredRun, _: Scene) -> None:
        run.replace("values", first, kind, steps=("start",))
        run.replace("values", second, kind, steps=("middle", "end"))

    attack("4c", name=f"compared-{name}", story=story, sampled=sampled, explain="middle/values")(
        build
    )


def _numbered(pushed: bytes, number: int) -> bytes:
    """Return a pickle of a value and a number: two of them differ, and weigh the same."""
    return opcodes.PROTO + pushed + b"K" + bytes([number]) + b"\x86."


def _both(pushed: bytes) -> tuple[bytes, bytes]:
    return _numbered(pushed, 1), _numbered(pushed, 2)


def _colliding(count: int) -> bytes:
    modulus = 2**61 - 1
    keys = (b"\x8a\x0b" + (n * modulus).to_bytes(11, "little") + b"N" for n in range(1, count))
    return b"}(" + b"".join(keys) + b"u"


_compared("laughing", "127 bytes in two versions, whose comparison has no end.",
          *_both(opcodes.laughing(30)), sampled=True)  # fmt: skip
_compared("laughing-lists", "Lists of twice the same list in two versions.",
          *_both(opcodes.doubled_lists(60)))  # fmt: skip
_compared("laughing-key", "A key that is a tuple of twice the same tuple.",
          *_both(b"}" + opcodes.laughing(60) + b"Ns"))  # fmt: skip
_compared("deep", "900 kB nested that deep, in two versions: loading it ends the process.",
          *_both(opcodes.nested_lists(450_000)), sampled=True)  # fmt: skip
_compared("deep-tuples", "900 kB of tuples nested that deep.", *_both(b")" + b"\x85" * 900_000))
_compared("memo", "Nine bytes that ask for a memo of gigabytes.",
          b"\x80\x02]r" + struct.pack("<I", 2**27) + b".",
          b"\x80\x02]r" + struct.pack("<I", 2**27 + 1) + b".", sampled=True)  # fmt: skip
_compared("colliding", "420 kB of numbers that all have one hash, in two versions.",
          *_both(_colliding(30_000)), sampled=True)  # fmt: skip
_compared("bytes", "A call that asks for a terabyte.",
          *_both(opcodes.call("builtins.bytearray", opcodes.body(10**12))))  # fmt: skip
_compared("range", "A list of a range without an end.",
          *_both(opcodes.call("builtins.list", opcodes.call("builtins.range",
                                                            opcodes.body(10**12)))))  # fmt: skip
_compared("decimal", "A fraction whose power has a billion digits.",
          *_both(opcodes.call("fractions.Fraction", opcodes.text("1e999999999"))))  # fmt: skip
_compared(
    "digits",
    "Numbers of a million digits, as text.",
    b"I" + b"9" * 900_000 + b"\n.",
    b"I" + b"8" * 900_000 + b"\n.",
    "<class 'int'>",
)


@attack("4c", sampled=True)
def compared_execution(run: StoredRun, scene: Scene) -> None:
    """Two steps have other pickles of one name and type, which both run a command."""
    for step in ("start", "middle"):
        pickled = opcodes.executing(scene.marker(run), then=opcodes.text(step))
        run.replace("kept", pickled, steps=(step,))


def _dtype() -> bytes:
    made = opcodes.call("numpy.dtype", opcodes.text("f8"), b"\x89", b"\x88")
    return made + b"(K\x03" + opcodes.text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def _array(*arguments: bytes) -> bytes:
    return opcodes.name("numpy.ndarray") + b"(" + b"".join(arguments) + b"tR"


def _value(name: str, story: str, pickled: bytes, kind: str, *, sampled: bool = False) -> None:
    def build(run: StoredRun, _: Scene) -> None:
        run.replace("values", pickled, kind)

    attack("9", name=name, story=story, sampled=sampled, explain="start/values")(build)


_value("array-without-data", "An array of a shape and no data: memory as it was left.",
       opcodes.PROTO + _array(b"(M\x00\x10t", _dtype()) + b".", _ARRAY, sampled=True)  # fmt: skip
_value("huge-array", "51 bytes that make an array of gigabytes.",
       opcodes.PROTO + _array(b"(" + opcodes.body(10**9) + b"t", _dtype()) + b".", _ARRAY,
       sampled=True)  # fmt: skip
_value("empty-array", "An array by `numpy.empty`.",
       opcodes.PROTO + opcodes.call("numpy.empty", b"(M\x00\x10t") + b".", _ARRAY)  # fmt: skip
_value("array-in-a-frame", "A table whose block is an array without data.",
       opcodes.PROTO + opcodes.call("pandas.core.frame.DataFrame",
                                    _array(b"(M\x00\x10K\x01t", _dtype())) + b".",
       _FRAME, sampled=True)  # fmt: skip
_value("zone-file", "A time zone that is read from any file.",
       opcodes.PROTO + opcodes.call("pandas.core.dtypes.dtypes.DatetimeTZDtype",
                                    opcodes.text("ns"), opcodes.text("dateutil//etc/shadow"))
       + b".", _FRAME, sampled=True)  # fmt: skip
_value("deep", "A value nested 450,000 deep.",
       opcodes.PROTO + opcodes.nested_lists(450_000) + b".", _DICT, sampled=True)  # fmt: skip
_value("laughing", "A value of twice the same tuple, 60 levels deep.",
       opcodes.PROTO + opcodes.laughing(60) + b".", "<class 'tuple'>", sampled=True)  # fmt: skip
_value("memo", "A memo of gigabytes.", b"\x80\x02]r" + struct.pack("<I", 2**30) + b".", _DICT)
_value("cut-short", "A pickle that ends in its middle.", b"\x80\x04\x95" + b"\xff" * 7, _DICT)
_value("bytes-without-end", "Bytes that are said to be a terabyte.",
       b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.", "<class 'bytes'>")  # fmt: skip


@attack("9")
def huge_parameter(run: StoredRun, _: Scene) -> None:
    """Parameters are values of twice the same, and of 4,000 digits."""
    run.replace("rate", opcodes.PROTO + opcodes.doubled_lists(60) + b".", "<class 'list'>")


@attack("9")
def values_of_one_kind(run: StoredRun, _: Scene) -> None:
    """Values that JSON can't hold: no numbers, halves of characters, 4,000 digits."""
    odd = {"a\ud800": float("nan"), "b": float("-inf"), "c": 10**4000, "d": "\x00\x1b", "": {}}
    run.replace("values", opcodes.dumps(odd))


@attack("9")
def names_of_types(run: StoredRun, scene: Scene) -> None:
    """Types that are said to be tables, models and files, and are none of them."""
    kinds = {"values": "<class 'torch.nn.modules.module.Module'>", "kept": _FRAME,
             "number": "<class 'pathlib.PosixPath'>",
             "frame": "<class 'sklearn.linear_model._base.LinearRegression'>"}  # fmt: skip
    for name, kind in kinds.items():
        run.replace(name, opcodes.executing(scene.marker(run)), kind)
