"""Order of a push: producers first, and each content once before all others that log it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mfwb.sink.push.schedule import Schedule, ScheduledRun

_CONTENTS = st.sampled_from([(name, digest) for name in "xy" for digest in "123"])


def sent(
    items: list[ScheduledRun[str]], *, catch_errors: frozenset[str] = frozenset()
) -> list[list[str]]:
    """Return the rounds of a push: the keys that are sent at once."""
    schedule = Schedule(items)
    rounds = []
    while now := schedule.take(100):
        rounds.append(now)
        schedule.complete([item for item in now if item not in catch_errors])
    return rounds


def test_what_is_different_goes_at_once() -> None:
    """One level of all flow runs is sent, and then the next level."""
    items = [
        ScheduledRun(f"{flow_run}/{level}", flow_run, level, logged=[("x", f"{flow_run}.{level}")])
        for flow_run in range(3)
        for level in range(2)
    ]

    assert sent(items) == [["0/0", "1/0", "2/0"], ["0/1", "1/1", "2/1"]]


def test_the_oldest_logs_what_is_equal() -> None:
    """All others are sent at once after it, however many there are."""
    items = [ScheduledRun(str(number), number, 0, logged=[("x", "1")]) for number in range(5)]

    assert sent(items) == [["0"], ["1", "2", "3", "4"]]
    assert sent(items, catch_errors=frozenset({"0"})) == [["0"], ["1"], ["2", "3", "4"]]


def test_siblings_wait_with_one_that_waits() -> None:
    """Else they would get its version numbers; other names and flow runs don't matter."""
    equal = ("table", "1")
    items = [
        ScheduledRun("0", 0, 0, logged=[("model", "0"), equal]),
        ScheduledRun("1", 0, 0, logged=[("model", "1"), equal]),
        ScheduledRun("2", 0, 0, logged=[("model", "2")]),
        ScheduledRun("3", 0, 0, logged=[("table", "3")]),
        ScheduledRun("young", 1, 0, logged=[("model", "4")]),
    ]

    assert sent(items) == [["0", "3", "young"], ["1", "2"]]


def test_the_oldest_is_waited_for_on_any_level() -> None:
    """A younger flow run with a lower level has to wait."""
    items = [
        ScheduledRun("old/start", 0, 0),
        ScheduledRun("old/end", 0, 1, logged=[("x", "1")]),
        ScheduledRun("young/start", 1, 0, logged=[("x", "1")]),
    ]

    assert sent(items) == [["old/start"], ["old/end"], ["young/start"]]


def test_a_name_with_two_types() -> None:
    """The oldest W&B run decides the type of the name."""
    items = [
        ScheduledRun("a", 0, 0, types=[("x", "model")], logged=[("x", "1")]),
        ScheduledRun("b", 1, 0, types=[("x", "dataset")], logged=[("x", "2")]),
        ScheduledRun("c", 2, 0, types=[("x", "model")], logged=[("x", "3")]),
    ]

    assert sent(items) == [["a"], ["b", "c"]]


def test_a_producer_may_be_younger() -> None:
    """An older flow run may use an artifact of a younger one."""
    items = [
        ScheduledRun("old/end", 0, 1, logged=[("x", "1")], used=[("y", "1")]),
        ScheduledRun("young/start", 1, 0, logged=[("x", "1"), ("y", "1")]),
    ]

    assert sent(items) == [["young/start"], ["old/end"]]


def test_dropped_runs() -> None:
    """Dropped W&B runs are neither sent nor waited for."""
    schedule = Schedule(
        [ScheduledRun("a", 0, 0, logged=[("x", "1")]), ScheduledRun("b", 1, 0, logged=[("x", "1")])]
    )
    schedule.drop({0})

    assert schedule.take(100) == ["b"]


@st.composite
def _bundles(draw: st.DrawFn) -> list[ScheduledRun[str]]:
    items = []
    for flow_run in range(draw(st.integers(1, 5))):
        for location in range(draw(st.integers(0, 4))):
            level = draw(st.integers(0, 3))
            logged, used = (
                draw(st.sets(_CONTENTS, max_size=3)),
                draw(st.sets(_CONTENTS, max_size=2)),
            )
            types = {(name, draw(st.sampled_from("mn"))) for name, _ in logged}
            items.append(
                ScheduledRun(f"{flow_run}/{location}", flow_run, level, types, logged, used)
            )
    return items


@given(_bundles(), st.data())
def test_any_bundle(items: list[ScheduledRun[str]], data: st.DataObject) -> None:
    """All are sent, once, and no two at once that log the same for the first time."""
    catch_errors = frozenset(
        data.draw(st.sets(st.sampled_from([item.key for item in items]))) if items else ()
    )
    by_name = {item.key: item for item in items}

    rounds = sent(items, catch_errors=catch_errors)

    assert sorted(item for some in rounds for item in some) == sorted(by_name)
    existing: set[tuple[str, str]] = set()
    levels: dict[int, int] = {}
    for some in rounds:
        new = [item for name in some for item in {*by_name[name].logged} - existing]
        assert len(new) == len(set(new))
        for name in some:
            assert levels.get(by_name[name].flow_run, -1) <= by_name[name].level
            levels[by_name[name].flow_run] = by_name[name].level
        existing |= {
            item for name in some if name not in catch_errors for item in by_name[name].logged
        }
