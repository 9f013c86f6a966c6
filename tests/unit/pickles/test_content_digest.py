"""Content digests: equal for equal contents, whatever their bytes, and running nothing."""

from __future__ import annotations

import collections
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.pickles.content_digest import content_digest


class Thing:
    """A class that pickles its state."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


def digest(value: Any, protocol: int = 4) -> str | None:
    """Return the digest of a value's pickle."""
    return content_digest(pickle.dumps(value, protocol=protocol))


def again(value: Any) -> bytes:
    """Return the pickle of what the pickle of a value holds, as Metaflow writes what was read."""
    return pickle.dumps(pickle.loads(pickle.dumps(value, protocol=4)), protocol=4)


def test_shared_strings() -> None:
    """The same text once or twice in memory makes other bytes of the same content."""
    text = "some text"
    apart, shared = Thing(a=text, b=f"{text[:4]} text"), Thing(a=text, b=text)

    assert pickle.dumps(apart) != pickle.dumps(shared)
    assert digest(apart) == digest(shared)


def test_order_of_sets() -> None:
    """A set has no order; that in which it was filled shows in its bytes."""
    forth, back = {8 * n for n in range(40)}, set[int]()
    for n in reversed(range(40)):
        back.add(8 * n)

    assert pickle.dumps(forth) != pickle.dumps(back)
    assert digest(forth) == digest(back)


def test_a_model_that_was_only_read() -> None:
    """scikit-learn's forest has other bytes after a prediction, and the same content."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - a second, for one test

    x, y = np.arange(20).reshape(-1, 1), np.arange(20) % 2
    forest = RandomForestClassifier(3, random_state=0).fit(x, y)
    read = pickle.loads(pickle.dumps(forest, protocol=4))
    read.predict(x)

    assert pickle.dumps(read, protocol=4) != pickle.dumps(forest, protocol=4)
    assert digest(read) == digest(forest)
    assert digest(forest) != digest(RandomForestClassifier(3, random_state=1).fit(x, y))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        (b"a", "a"),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
        ([1, [2]], [1, 2]),
        ({1: 2}, {2: 1}),
        ({1}, frozenset([1])),
        ({1, 2}, {1, 3}),
        (Thing(a=1), Thing(a=2)),
        (Thing(a=1), Thing(b=1)),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.deque([1, 2]), collections.deque([2, 1])),
        (np.arange(3), np.arange(4)),
        (np.arange(3, dtype="i4"), np.arange(3, dtype="i8")),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
        (dict, list),
    ],
)
def test_what_differs(one: Any, other: Any) -> None:
    """Other content, other digest."""
    assert digest(one) is not None
    assert digest(one) != digest(other)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers() | st.text())
        | st.builds(lambda a, b: Thing(a=a, b=b), inner, inner)
    ),
    max_leaves=20,
)


@given(value=_values)
def test_reading_changes_nothing(value: Any) -> None:
    """Whatever was pickled, unpickled and pickled anew holds the same."""
    assert digest(value) is not None
    assert content_digest(again(value)) == digest(value)


def test_cycles() -> None:
    """What holds itself is digested all the same, and told from what does not."""
    loop: list[Any] = [1]
    loop.append(loop)

    assert digest(loop) is not None
    assert digest(loop) == content_digest(again(loop))
    assert digest(loop) != digest([1, [1]])


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x80\x04.", pickle.dumps([1])[:-2]])
def test_damaged(data: bytes) -> None:
    """There is no content to speak of."""
    assert content_digest(data) is None


def test_nothing_is_run(tmp_path: Path) -> None:
    """A pickle that would make a folder, if it were loaded, only describes that."""
    target = tmp_path / "made"
    evil = f"cos\nmkdir\n(V{target}\ntR.".encode()

    assert content_digest(evil) is not None
    assert not target.exists()
    pickle.loads(evil)
    assert target.exists()


def test_deep() -> None:
    """Too deep to be digested within bounds is not told."""
    assert content_digest(_nested(10)) is not None
    assert content_digest(_nested(100_000)) is None


def _nested(depth: int) -> bytes:
    """Return the pickle of a list in a list in a list."""
    return b"\x80\x02" + b"](" * depth + b"e" * depth + b"."


_NET = Path(__file__).parents[2] / "data" / "torch" / "net.pkl"


def _elsewhere_in_memory(match: re.Match[bytes]) -> bytes:
    return match[0][:-4] + b"7777"


def test_torch_writes_where_it_had_its_numbers() -> None:
    """The key of a storage is an address, which says nothing of what the storage holds."""
    net = _NET.read_bytes()
    moved = re.sub(rb"\d{12,16}", _elsewhere_in_memory, net)

    assert moved != net
    assert content_digest(moved) == content_digest(net)


def test_torch_numbers_that_changed() -> None:
    """What a storage holds is another content."""
    net = _NET.read_bytes()
    [key, *_] = re.findall(rb"\d{12,16}", net)
    location = net.rindex(key) + len(key) + 24  # behind the keys: a number of items, then items
    changed = net[:location] + bytes([net[location] ^ 1]) + net[location + 1 :]

    assert content_digest(changed) is not None
    assert content_digest(changed) != content_digest(net)
