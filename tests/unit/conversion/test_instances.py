"""Objects of classes that can't be imported, above all members of enums."""

from __future__ import annotations

import argparse
import enum
import pickle
import sys
import types
from pathlib import PurePosixPath
from typing import Any

import pytest

from mfwb.config import Unpickle
from mfwb.errors import ItemLost
from mfwb.payload.inspections import Inspections
from mfwb.payload.values import decode, decode_values
from tests.unit.payload.memory import MemoryContents, planned_run


class Color(enum.Enum):
    """Numbers and text."""

    RED = 1
    GREEN = "green"


class Rights(enum.Flag):
    """Can be joined."""

    READ = 1
    WRITE = 2


class Named:
    """Pickled as a member that goes by its name."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how."""
        return getattr, (Color, "RED")


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pickles say that the enums are of a module that is not there when they are loaded."""
    module = types.ModuleType("users_flow")
    for kind in (Color, Rights):
        setattr(module, kind.__name__, kind)
        monkeypatch.setattr(kind, "__module__", "users_flow")
    monkeypatch.setitem(sys.modules, "users_flow", module)


def pickled(monkeypatch: pytest.MonkeyPatch, value: object, protocol: int) -> bytes:
    """Return a pickle whose module is gone."""
    data = pickle.dumps(value, protocol=protocol)
    monkeypatch.delitem(sys.modules, "users_flow", raising=False)
    return data


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Color.RED, "Color(1)"),
        ([Color.GREEN, 1], ["Color('green')", 1]),
        ({Color.RED: Color.GREEN}, {"Color(1)": "Color('green')"}),
        (Rights.READ | Rights.WRITE, "Rights(3)"),
        (Named(), "Color.RED"),
        ([PurePosixPath("/a/b"), 1], ["/a/b", 1]),
    ],
)
def test_as_text(
    value: object, expected: Any, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come out as text, and so do paths; nothing is imported."""
    assert decode(pickled(monkeypatch, value, protocol)).json == expected
    assert "users_flow" not in sys.modules


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",  # no enum
        b"cpandas\nSeries\n(I1\ntR.",
        b"chttp\nHTTPStatus\n(I200\ntR.",  # of the standard library, which is not plain
        b"cuser\nthing\n(I1\ntR.",  # no class, by its name
        b"(cuser\nThing\nI1\nd.",
        b"(cbuiltins\nint\nI1\nd.",
        b"cuser\nThing\n}b.",  # a state for the class
        b"cuser\nThing\n)\x81}b}b.",  # a second one
        b"cuser\nThing\n)\x81}S'a'\nI1\nsbS'b'\nI2\ns.",  # items
        b"cuser\nThing\n)\x81I1\na.",
        b"cuser\nThing\n(I1\ntR}b.",
        b"cuser\nThing\n(I1\ntR(I1\ntR.",
        b"cbuiltins\ngetattr\n(cuser\nThing\nS'__class__'\ntR.",
        b"cbuiltins\ngetattr\n(cbuiltins\ndict\nS'fromkeys'\ntR.",
        b"cbuiltins\ngetattr\n(cuser\nThing\nI1\ntR.",
    ],
)
def test_nothing_else(data: bytes) -> None:
    """Whatever else is done with an unknown name is refused."""
    with pytest.raises(ItemLost):
        decode(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"cuser\nThing\n.", "user.Thing"),
        (b"cuser\nThing\n)\x81.", "Thing()"),
        (b"cuser\nThing\n(tR.", "Thing()"),
        (b"cuser\nThing\n(I1\nI2\ntR.", [1, 2]),
        (b"cuser\nThing\n(I1\nI2\nt\x81.", [1, 2]),
        (b"cuser\nThing\n((I1\nltR.", [[1]]),
        (b"cuser\nThing\n)\x81}S'a'\nI1\nsb.", {"a": 1}),
        (b"cuser\nThing\n)\x81(NcS\nT\n}S'a'\nI1\nstb.", [None, "S.T", {"a": 1}]),
        (b"cuser\nThing\n)\x81(N}S'a'\nI1\nstb.", {"a": 1}),
        (b"cuser\nThing\n)\x81(I1\nlb.", [1]),
        (b"cuser\nThing\n)\x81}S'__dict__'\n}S'a'\nI1\nssb.", {"a": 1}),
        (b"cuser\nThing\n(I1\nI2\ntR}S'a'\nI1\nsb.", {"arguments": [1, 2], "a": 1}),
        (b"(cuser\nThing\n)\x81cuser\nThing\n)\x81}S'a'\nI1\nsbl.", ["Thing()", {"a": 1}]),
        (b"(cuser\nThing\n(tRI1\nl.", ["Thing()", 1]),
        (b"(cuser\nThing\n(I1\nI2\ntRl.", [[1, 2]]),
        (b"(I1\ncuser\nThing\n(I1\nI2\ntRcuser\nThing\n(I3\nI4\ntRl.", [1, [1, 2], [3, 4]]),
        (b"(lcuser\nThing\n)\x81}S'a'\nI1\nsba.", [{"a": 1}]),
        (b"(cuser\nThing\n(I1\nS'x'\ntRI0\nd.", {"Thing(1, 'x')": 0}),
        (b"(cuser\nThing\n)\x81}S'a'\n(lsbI0\nd.", {"Thing(a=...)": 0}),
    ],
)
def test_objects(data: bytes, expected: Any) -> None:
    """Of an object one reads what it is made of; nothing of its class is there or run."""
    assert decode(data).json == expected


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ValueError("no"), "ValueError('no')"),
        ([OSError(2, "no")], [[2, "no"]]),
        (types.SimpleNamespace(a=1, b=types.SimpleNamespace(c=None)), {"a": 1, "b": {"c": None}}),
        (argparse.Namespace(rate=0.1), {"rate": 0.1}),
    ],
)
def test_objects_of_python(value: object, expected: Any, protocol: int) -> None:
    """Errors and namespaces are as readable as objects of users' own classes."""
    assert decode(pickle.dumps(value, protocol)).json == expected


def test_an_object_that_holds_itself() -> None:
    """It has no end, and so no JSON."""
    with pytest.raises(ItemLost, match="contains itself"):
        decode(b"\x80\x02cuser\nThing\n)\x81q\x00}X\x01\x00\x00\x00ah\x00sb.")


@pytest.mark.parametrize("value", [Color.RED, PurePosixPath("a"), 1j])
def test_never(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With "never" no name at all may stand in a pickle."""
    data = pickled(monkeypatch, value, 4)

    with pytest.raises(ItemLost, match="refers to"):
        decode(data, "never")


@pytest.mark.parametrize("mode", ["safe", "trusted", "never"])
def test_base_types(mode: Unpickle) -> None:
    """What needs no name is there in all modes."""
    value = {"a": [1, 2.5, None, True], "b": ({"x"}, b"x", 2**70)}

    assert decode(pickle.dumps(value), mode).json == decode(pickle.dumps(value)).json


def test_values_of_a_run() -> None:
    """The mode holds for all values of a W&B run."""
    contents = MemoryContents()
    run = planned_run(values={"x": [contents.add(1j)], "y": [contents.add(1)]})

    values, losses = decode_values(run.values, Inspections(contents), "never")

    assert list(values) == ["y"]
    assert [loss.reason for loss in losses] == [
        "its pickle refers to builtins.complex, which is not loaded"
    ]
