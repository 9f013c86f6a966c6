"""What hostile pickles try is refused for the right reason, and no bytes are lost for it."""

from __future__ import annotations

import collections
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mfwb import pickles
from mfwb.conversion import json_safe
from mfwb.conversion.tables import load_frame
from mfwb.errors import ItemLost
from mfwb.payload import PayloadBuilder, parameters
from mfwb.payload.values import decode
from mfwb.pickles.allowlist import FRAMES, PATHS, PLAIN
from mfwb.planning import Form
from tests.unit.payload.hostile.makers import OBJECTS, OF_USERS
from tests.unit.payload.memory import MemoryContents, output, planned_file, planned_run


class Persistent(pickle.Pickler):
    """Writes everything as a persistent id."""

    def persistent_id(self, obj: Any) -> Any:
        """Return an id for strings."""
        return "elsewhere" if isinstance(obj, str) else None


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("load", [decode, load_frame])
@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_is_executed(
    name: str, load: Callable[[bytes], Any], protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading a hostile pickle fails before any of it is called."""
    called: list[Any] = []
    data = pickle.dumps(OBJECTS[name], protocol=protocol)
    for module, function in [(os, "putenv"), (os, "system"), (os, "abort"), (pd, "read_pickle")]:
        monkeypatch.setattr(module, function, lambda *arguments: called.append(arguments))

    with pytest.raises((pickle.UnpicklingError, ItemLost, TypeError)):
        load(data)

    assert called == []


def build_on(name: bytes, state: bytes) -> bytes:
    """Return a pickle that sets the state of what a name stands for."""
    module, _, attribute = name.rpartition(b".")
    return b"c" + module + b"\n" + attribute + b"\n" + state + b"b."


@pytest.mark.parametrize("name", [b"collections.Counter", b"uuid.UUID", b"fractions.Fraction"])
@pytest.mark.parametrize("state", [b"(N}S'x'\nI1\nst", b"}S'x'\nI1\ns", b"}"])
def test_classes_are_not_changed(name: bytes, state: bytes) -> None:
    """A pickle can't set the state of a class, which others use as well."""
    with pytest.raises(pickle.UnpicklingError, match="which is not its own"):
        pickles.loads(build_on(name, state), PLAIN)

    assert not hasattr(collections.Counter, "x")


def dtype_pickle(dtype: str, state: tuple[Any, ...], data: Any) -> bytes:
    """Return the pickle of an array of one item with a dtype of a given state."""

    class Dtype:
        def __reduce__(self) -> tuple[Any, ...]:
            return np.dtype, (dtype, False, True), state

    class Array:
        def __reduce__(self) -> tuple[Any, ...]:
            reduced: Any = np.zeros(1).__reduce__()
            return reduced[0], reduced[1], (1, (1,), Dtype(), False, data)

    return pickle.dumps(Array())


@pytest.mark.parametrize(
    ("dtype", "state"),
    [
        # An array of objects that claims to hold plain bytes: bytes would become pointers.
        ("O8", (3, "|", None, None, None, -1, -1, 0)),
        # Items that are larger than they are.
        ("V8", (3, "|", None, None, None, 10**6, 1, 0)),
        ("S8", (3, "|", None, None, None, 10**6, 1, 0)),
        # A part that lies beyond the end.
        ("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 10**6)}, 8, 1, 0)),
        ("V8", (3, "|", (np.dtype("f8"), (10**6,)), None, None, 8, 1, 0)),
    ],
)
def test_dtypes_that_reach_beyond_their_bytes(dtype: str, state: tuple[Any, ...]) -> None:
    """Numpy trusts what a pickle says of a dtype, so mfwb does not."""
    with pytest.raises(pickle.UnpicklingError, match=r"would change numpy\.dtype"):
        pickles.loads(dtype_pickle(dtype, state, b"\x41" * 8), FRAMES)


def test_an_honest_dtype() -> None:
    """The same pickle with an honest state is read."""
    honest = dtype_pickle("S8", (3, "|", None, None, None, 8, 1, 0), b"\x41" * 8)

    assert pickles.loads(honest, FRAMES).tolist() == [b"AAAAAAAA"]


def test_blocks_out_of_place() -> None:
    """Pandas writes to where the blocks of a frame say they belong, so mfwb looks first."""
    good = pickle.dumps(pd.DataFrame({"a": [1, 2], "b": [1.5, 2]}))
    bad = good.replace(b"K\x01K\x02K\x01\x87", b"K\x05K\x06K\x01\x87", 1)

    assert bad != good
    with pytest.raises(ValueError, match="have wrong positions"):
        load_frame(bad)


def test_persistent_ids() -> None:
    """Metaflow writes no persistent ids, so there is nothing that one could mean."""
    file = io.BytesIO()
    Persistent(file).dump(["x"])

    with pytest.raises(pickles.ForbiddenName, match="persistent id 'elsewhere'"):
        pickles.loads(file.getvalue(), PLAIN)


@pytest.mark.parametrize("length", [0, 1, 5, 20, -1])
def test_truncated(length: int) -> None:
    """A pickle that ends too early is lost with a reason."""
    data = pickle.dumps({"a": [1, 2, 3], "b": {"c"}})

    with pytest.raises(ItemLost, match="its pickle can't be read"):
        decode(data[:length])


def test_recursion() -> None:
    """A list that contains itself is lost with a reason."""
    endless: list[Any] = [1]
    endless.append(endless)

    with pytest.raises(ItemLost, match="it contains itself"):
        decode(pickle.dumps(endless))


def test_few_bytes_that_say_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of lists of one and the same list, and so on, is not written out."""
    monkeypatch.setattr(json_safe, "SIZE_LIMIT", 100_000)
    laughs: list[Any] = ["lol"]
    for _ in range(12):
        laughs = [laughs] * 10

    with pytest.raises(ItemLost, match="larger than"):
        decode(pickle.dumps(laughs))


def test_a_short_pickle_is_no_long_value() -> None:
    """A hundred bytes that spell out a million characters are lost before they cost much."""
    laughs: list[Any] = []
    for _ in range(4):
        laughs = [laughs] * 22

    with pytest.raises(ItemLost, match="larger than 1 MB"):
        decode(pickle.dumps(laughs))


def test_names_that_are_far_longer_than_their_pickle() -> None:
    """They are kept for as long as the flow run, and so are those of its other artifacts."""
    with pytest.raises(ValueError, match="far more names"):
        pickles.read_mentions(OF_USERS["many names of one long module"]())


def test_values_that_name_flow_runs_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are in memory at once: when there are too many characters, the rest is not known."""
    monkeypatch.setattr(parameters, "_CHARACTERS_LIMIT", 2_500)
    contents = MemoryContents()
    wanted = [contents.add(str(number) * 1_000) for number in range(5)]

    assert list(parameters.decode_artifacts(wanted, contents)) == [one.sha1 for one in wanted[:2]]


def test_paths_are_pure() -> None:
    """Of a path only the text is taken, even on the machine it is from."""
    assert repr(pickles.loads(pickle.dumps(Path("/a/b")), PATHS)) == "PurePosixPath('/a/b')"


@pytest.mark.parametrize("form", [Form.PARQUET, Form.FRAMES])
def test_no_bytes_are_lost(form: Form, builder: PayloadBuilder) -> None:
    """A frame that is not loaded goes to W&B as the pickle it is."""
    contents = MemoryContents()
    content = contents.add(OBJECTS["in a frame"])
    contents.logs[content.task] = []
    run = planned_run(outputs=[output(planned_file(content, form))])

    ready = builder.prepare(run, contents)

    (file,) = ready.artifacts[0].files
    assert file.path == "x.pkl"
    assert file.local is not None
    assert file.local.read_bytes() == contents.blobs[content.sha1]
    assert ready.losses == ()
