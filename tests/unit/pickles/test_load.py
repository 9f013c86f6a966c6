"""Pickles are loaded, and their names are read, without running their code."""

from __future__ import annotations

import codecs
import collections
import pickle
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mfwb import pickles
from mfwb.pickles.allowlist import PATHS
from tests.support.hostile_pickles.makers import OF_USERS

ALLOWED: pickles.Allowed = {
    "builtins.set": lambda: set,
    "builtins.bytearray": lambda: bytearray,
    "_codecs.encode": lambda: codecs.encode,
    "collections.Counter": lambda: collections.Counter,
    "collections.OrderedDict": lambda: collections.OrderedDict,
    "collections.deque": lambda: collections.deque,
    "uuid.UUID": lambda: UUID,
    "fractions.Fraction": lambda: Fraction,
    "numpy.dtype": lambda: np.dtype,
    **dict.fromkeys(
        ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"),
        lambda: np.float32(0).__reduce__()[0],
    ),
}


class Counted(Exception):  # noqa: N818 - it is only pickled
    """An exception with an attribute, which pickle calls and then gives a state."""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, 2.5, "x", True, {"a": (1,)}],
        {1, 2},
        bytearray(b"x"),
        collections.Counter("aab"),
        collections.OrderedDict(a=1),
        collections.deque([1, 2]),
        2**70,
    ],
)
def test_allowed_values_come_back(value: object, protocol: int) -> None:
    """What is allowed is loaded as it was, whatever protocol it was pickled with."""
    assert pickles.loads(pickle.dumps(value, protocol=protocol), ALLOWED) == value


@pytest.mark.parametrize("value", [UUID(int=3), Fraction(1, 3), np.float32(1.5)])
def test_values_with_a_state_come_back(value: object) -> None:
    """Instances whose pickle sets their state are loaded as they were."""
    assert pickles.loads(pickle.dumps(value), ALLOWED) == value


def test_called_classes_may_have_a_state() -> None:
    """Exceptions are made by a call, and get their attributes afterwards."""
    error = Counted("x")
    error.count = 3  # type: ignore[attr-defined]
    name = f"{Counted.__module__}.Counted"

    loaded = pickles.loads(pickle.dumps(error), {name: lambda: Counted})

    assert (loaded.args, loaded.count) == (("x",), 3)


def test_forbidden_name() -> None:
    """A name that is not on the list is named in the error."""
    with pytest.raises(pickles.ForbiddenName, match=r"refers to pathlib\..*, which") as caught:
        pickles.loads(pickle.dumps(PurePosixPath("x"), protocol=2), ALLOWED)

    assert caught.value.name.endswith(".PurePosixPath")


def test_nothing_is_made_before_all_is_checked() -> None:
    """A name that is refused at the end keeps what comes before it from being made."""
    made: list[int] = []

    def count(number: int) -> int:
        made.append(number)
        return number

    class Call:
        def __reduce__(self) -> tuple[Any, ...]:
            return count_in_pickle, (1,)

    data = pickle.dumps([Call(), Call(), PurePosixPath("x")])
    allowed = {f"{__name__}.count_in_pickle": lambda: count}

    with pytest.raises(pickles.ForbiddenName):
        pickles.loads(data, allowed)

    assert made == []


def count_in_pickle(number: int) -> int:
    """Stand for the function that the test allows."""
    return number


def test_functions_must_be_makers_for_a_state() -> None:
    """The state of what a function returns is set only if it is known to be new."""
    itself = b"ca\nmake\n}S'x'\nI1\nsb."
    called = b"ca\nmake\n(tR}S'x'\nI1\nsb."

    class Made:
        x = 0

    def new() -> Made:
        return Made()

    allowed = {"a.make": lambda: new}

    with pytest.raises(pickle.UnpicklingError):
        pickles.loads(itself, allowed)
    with pytest.raises(pickle.UnpicklingError, match=r"would change a\.make"):
        pickles.loads(called, allowed)
    assert pickles.loads(called, allowed, makers={"a.make"}).x == 1


def test_a_state_is_set_once() -> None:
    """A second state could pull memory from under those who look at the first."""
    twice = b"ca\nMade\n)\x81}S'x'\nI1\nsb}S'x'\nI2\nsb."

    class Made:
        x = 0

    with pytest.raises(pickle.UnpicklingError, match=r"would change a\.Made"):
        pickles.loads(twice, {"a.Made": lambda: Made})


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("value", "names"),
    [
        ([1, 2.5, "x", None], ()),
        (bytearray(b""), ("builtins.bytearray",)),
        (collections.OrderedDict(a=1j), ("builtins.complex", "collections.OrderedDict")),
        ([PurePosixPath("a"), PurePosixPath("b")], ("pathlib.PurePosixPath",)),
        (UUID(int=3), ("uuid.UUID",)),
    ],
)
def test_names_in(value: object, names: tuple[str, ...], protocol: int) -> None:
    """All names are found, in the words of Python 3, whatever the protocol."""
    result = pickles.read_names(pickle.dumps(value, protocol=protocol))

    assert tuple(name.replace("._local", "") for name in result) == names


def test_names_in_a_model() -> None:
    """The names in a fitted model tell what it is, and it is not made."""
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])

    names = pickles.read_names(pickle.dumps({"model": model}))

    assert "sklearn.linear_model._logistic.LogisticRegression" in names
    assert "numpy.ndarray" in names


def test_names_in_a_frame() -> None:
    """A frame is told by its name."""
    names = pickles.read_names(pickle.dumps([pd.DataFrame({"a": [1]})]))

    assert {"pandas.DataFrame", "pandas.core.frame.DataFrame"} & set(names)


def test_names_are_not_looked_up() -> None:
    """Names of modules that are not there are found all the same."""
    data = b"\x80\x04\x8c\x0cno_such_here\x94\x8c\x05Thing\x94\x93\x94)\x81\x94."

    assert pickles.read_names(data) == ("no_such_here.Thing",)


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"no pickle", b"\x80\x04\x93.", b"\x80\x02(."])
def test_damaged(data: bytes) -> None:
    """Damaged pickles are ValueErrors, whatever is wrong with them."""
    with pytest.raises(ValueError, match="a damaged pickle"):
        pickles.read_names(data)


LARGE = 3_000_000  # bytes; so many are not looked at before they are loaded


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [{"a": [1, "x", b"y"]}, [b"z" * LARGE, "ä" * LARGE, 1], [b"q"]])
def test_files(value: object, protocol: int, tmp_path: Path) -> None:
    """A file is read as what is in it."""
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))

    assert pickles.loads(path, ALLOWED) == value
    assert pickles.loads(path.read_bytes(), ALLOWED) == value


def test_bytearrays_in_files(tmp_path: Path) -> None:
    """So are bytes that can be changed."""
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(bytearray(b"x" * LARGE), protocol=5))

    assert pickles.loads(path, ALLOWED) == bytearray(b"x" * LARGE)


@pytest.mark.parametrize("end", [0, 1, 20, LARGE, -1])
def test_files_that_are_cut_off(end: int, tmp_path: Path) -> None:
    """What is cut off is refused, wherever that is."""
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([b"z" * LARGE, 1], protocol=4)[:end])

    with pytest.raises((pickle.UnpicklingError, EOFError)):
        pickles.loads(path, ALLOWED)


def test_what_comes_after_large_data(tmp_path: Path) -> None:
    """A name is found behind data that is skipped, in a file and in memory."""
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([b"z" * LARGE, print], protocol=4))

    for source in (path, path.read_bytes()):
        with pytest.raises(pickles.ForbiddenName, match=r"builtins\.print"):
            pickles.loads(source, ALLOWED)


def test_names_that_are_far_longer_than_their_pickle() -> None:
    """They are kept for as long as the flow run, and so are those of its other artifacts."""
    with pytest.raises(ValueError, match="far more names"):
        pickles.read_mentions(OF_USERS["many names of one long module"]())


def test_paths_are_pure() -> None:
    """Of a path only the text is taken, even on the machine it is from."""
    assert repr(pickles.loads(pickle.dumps(Path("/a/b")), PATHS)) == "PurePosixPath('/a/b')"
