"""The items of foreachs, from the artifacts that they iterate over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mfwb.payload.foreach_items import add_foreach_items
from mfwb.snapshot import ArtifactRef, FlowRun, Task
from tests.support.flow_runs import at, flow_run, spec, task
from tests.unit.payload.memory import MemoryContents


def _ref(contents: MemoryContents, value: Any, name: str = "xs") -> ArtifactRef:
    content = contents.add(value, name, spec("start/1"))
    return ArtifactRef(name, content.sha1, content.size, type(value).__name__, "pickle-v4")


def _items(run: FlowRun, contents: MemoryContents) -> list[list[Any]]:
    looked = add_foreach_items(run, contents)
    return [
        [frame.item if frame.has_item else "unknown" for frame in own.foreach]
        for own in looked.tasks
        if own.foreach
    ]


def _fan(ref: ArtifactRef, indices: Sequence[int] = (0, 1)) -> FlowRun:
    work = [
        task(f"work/{2 + index}", to="join", foreach=at(f"work:xs:{index}")) for index in indices
    ]
    return flow_run(task("start/1", to="work", over="xs", has=[ref]), *work, task("join/9"))


@pytest.mark.parametrize(
    ("value", "items"),
    [
        (["a", 2], [["a"], [2]]),
        (({"lr": 0.1}, None), [[{"lr": 0.1}], [None]]),
        (range(10, 30, 10), [[10], [20]]),
        ([1], [[1], ["unknown"]]),
        ({0: "a", 1: "b"}, [["unknown"], ["unknown"]]),
        ("ab", [["unknown"], ["unknown"]]),
        (["x" * 900, "x" * 1_100], [["x" * 900], ["unknown"]]),
        (["x" * 60_000, "y" * 60_000], [["unknown"], ["unknown"]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_items(value: Any, items: list[list[Any]]) -> None:
    """Of plain lists, tuples and ranges; not of what is large, or not there."""
    contents = MemoryContents()

    assert _items(_fan(_ref(contents, value)), contents) == items


def test_a_list_that_is_gone() -> None:
    """Only the index is known, and nothing fails."""
    contents = MemoryContents()
    ref = _ref(contents, [1, 2])
    contents.blobs.clear()

    assert _items(_fan(ref), contents) == [["unknown"], ["unknown"]]


def test_a_hostile_list() -> None:
    """It is not run."""
    contents = MemoryContents()
    content = contents.add_bytes(b"cos\nsystem\n(S'exit 1'\ntR.", "xs", spec("start/1"))
    ref = ArtifactRef("xs", content.sha1, content.size, "list", "pickle-v4")

    assert _items(_fan(ref), contents) == [["unknown"], ["unknown"]]


def test_nested() -> None:
    """Each level has the list of its own group."""
    contents = MemoryContents()
    inner = {0: _ref(contents, ["p", "q"], "ys"), 1: _ref(contents, ["r", "s"], "ys")}

    def work(number: int, group: int, index: int) -> Task:
        return task(f"work/{number}", foreach=at(f"group:xs:{group}", f"work:ys:{index}"))

    run = flow_run(
        task("start/1", to="group", over="xs", has=[_ref(contents, ["a", "b"])]),
        task("group/2", to="work", over="ys", has=[inner[0]], foreach=at("group:xs:0")),
        task("group/3", to="work", over="ys", has=[inner[1]], foreach=at("group:xs:1")),
        work(4, 0, 1),
        work(5, 1, 0),
    )

    assert _items(run, contents) == [["a"], ["b"], ["a", "q"], ["b", "r"]]


def test_a_step_that_ran_twice_at_one_position() -> None:
    """In a recursion the lists may differ, so none of them is certain."""
    contents = MemoryContents()
    first, second = _ref(contents, [1, 2]), _ref(contents, [3, 4])
    run = flow_run(
        task("start/1", to="work", over="xs", has=[first]),
        task("start/8", to="work", over="xs", has=[second]),
        task("work/2", foreach=at("work:xs:0")),
    )

    assert _items(run, contents) == [["unknown"]]


def test_nothing_is_read_without_a_foreach() -> None:
    """Most flow runs have none."""
    contents = MemoryContents()
    run = flow_run(task("start/1", to="end", has=[_ref(contents, [1])]), task("end/2"))

    assert add_foreach_items(run, contents) is run
    assert contents.batches == []
