"""No pickle of the corpus runs, crashes, hangs or takes memory beyond a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.support.hostile_pickles.makers import CORPUS, OF_USERS
from tests.support.hostile_pickles.trials import Trials

_HARMLESS = ("lost: ", "refused: ")
_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "value": ("lost: ",),
    "table": ("refused: ",),
    "array": (*_HARMLESS, "loaded"),
    "names": (*_HARMLESS, "loaded"),
    "digest": ("loaded",),
}
"""What may come of a hostile pickle, by the way in which it is loaded."""

_DEAR = {
    *("many sets", "many copies of bytes"),
    *("deep slices", "deep from above", "deep dicts with a default"),  # `deep queues` stay
    *("many counters of one dict", "many lists of one list", "many calls with one list"),
    *("a long name again and again", "a storage of torch again and again"),
    *("a text again and again", "a path of many parts", "many tuples as keys", "a deep list"),
    *("many named arguments again and again", "a million marks"),
}
"""Close to a limit, so each way takes up to a second; by default only the first is tried."""

_VERY_DEAR = {
    *("many lists", "sets without end"),  # `many sets` stay
    "keys that are alike until the end",  # `keys that all look alike` stay
    "many names of enums",  # `very many names` stay
    "tuples without end",  # `a deep tuple as a key` stays
}
"""Seconds in each way; by default others stand for them."""

_DEAR_OF_USERS = {
    *("many names of one long module", "a long name that is fetched again and again"),
    *("numbers that all look alike", "one name of an enum again and again"),
}
"""Likewise; by default only `table` and `value` are tried. `keys that all look alike` stay."""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Return what tries pickles, in one process for as long as it lives."""
    trials = Trials(tmp_path_factory.mktemp("trials"))
    yield trials
    trials.close()


def _trials() -> Iterator[Any]:
    for name in CORPUS:
        ways = [*_OUTCOMES]
        if name in _VERY_DEAR:
            yield pytest.param(name, ways, id=name, marks=pytest.mark.exhaustive)
            continue
        yield from _in_ways(name, ways, is_dear=name in _DEAR)


def _in_ways(name: str, ways: list[str], *, is_dear: bool) -> Iterator[Any]:
    """Yield a case; of a dear one, all ways but the first are exhaustive."""
    if is_dear:
        yield pytest.param(name, ways[1:], id=f"{name}, more", marks=pytest.mark.exhaustive)
        ways = ways[:1]
    yield pytest.param(name, ways, id=name)


@pytest.mark.parametrize(("name", "ways"), [*_trials()])
def test_hostile(name: str, ways: Sequence[str], tried: Trials) -> None:
    """As a value it is lost with a reason, as a table it is refused; its names may be told."""
    data = CORPUS[name]()

    for way in ways:
        assert tried.outcome(way, data).startswith(_OUTCOMES[way]), way


def _of_users() -> Iterator[Any]:
    for name in OF_USERS:
        ways = ["value", "shown", "inside", "file", "digest"]
        yield from _in_ways(name, ways, is_dear=name in _DEAR_OF_USERS)


@pytest.mark.parametrize(("name", "ways"), [*_of_users()])
def test_objects_of_users(name: str, ways: Sequence[str], tried: Trials) -> None:
    """What is shown of objects of unknown classes costs little time and memory; no tables."""
    data = OF_USERS[name]()

    assert tried.outcome("table", data).startswith("refused: ")
    for way in ways:
        assert tried.outcome(way, data).startswith((*_HARMLESS, "loaded")), way


def test_a_trial_notices(tried: Trials) -> None:
    """What the trials tell apart, they can tell."""
    assert tried.outcome("value", b"\x80\x04K\x01.") == "loaded"
    assert tried.outcome("execute", CORPUS["os.system (4)"]()) == "executed"
    assert (
        tried.outcome("pickle", b"\x80\x02]r" + (10**8).to_bytes(4, "little") + b".") == "no memory"
    )
    assert tried.outcome("pickle", b"\x80\x04}" + b")" + b"\x85" * 900_000 + b"Ns.").startswith(
        "crash"
    )


def test_each_that_is_dear_is_there() -> None:
    """By default those are left out that are named here, and no others."""
    assert {*_DEAR, *_VERY_DEAR} <= CORPUS.keys()
    assert OF_USERS.keys() >= _DEAR_OF_USERS
