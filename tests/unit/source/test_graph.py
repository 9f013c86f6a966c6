"""Steps and tasks in the order of the graph."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.snapshot import Task
from mfwb.source.graph import sort_steps, sort_tasks, to_graph
from tests.support.examples import examples
from tests.support.flow_runs import at, shuffled, task
from tests.unit.random_flows import Block, act_out, flows


def steps(*tasks: Task, start: str = "start") -> list[str]:
    """Return the sorted steps of tasks that are listed in random order."""
    return sort_steps(shuffled(tasks), start)


def test_linear() -> None:
    """Each step comes after the steps before it in the graph."""
    assert steps(task("start/1", to="b"), task("b/2", to="a"), task("a/3")) == ["start", "b", "a"]


def test_split() -> None:
    """Branches are sorted by name, each branch as a whole, and the join comes after all of them."""
    result = steps(
        task("start/1", to="b a"),
        task("a/2", to="a2"),
        task("b/3", to="join"),
        task("a2/4", to="join"),
        task("join/5"),
    )

    assert result == ["start", "a", "a2", "b", "join"]


def test_recursion() -> None:
    """A recursive step is listed once."""
    result = steps(
        task("start/1", to="loop"),
        task("loop/2", to="loop", rounds=(0,)),
        task("loop/3", to="end", rounds=(1,)),
        task("end/4"),
    )

    assert result == ["start", "loop", "end"]


def test_step_that_only_some_tasks_took() -> None:
    """A step that some foreach tasks skipped comes before their next step."""
    result = steps(
        task("start/1", to="choose", over="items"),
        task("choose/2", to="after", foreach=at("choose:items:0")),
        task("choose/3", to="zwork", foreach=at("choose:items:1")),
        task("zwork/4", to="after", foreach=at("choose:items:1")),
        task("after/5", foreach=at("choose:items:0")),
        task("after/6", foreach=at("choose:items:1")),
    )

    assert result == ["start", "choose", "zwork", "after"]


def test_step_that_never_ran() -> None:
    """A selected step without a task is not listed."""
    assert steps(task("start/1", to="end")) == ["start"]


def test_tasks_without_a_start() -> None:
    """Steps without a predecessor are listed, too."""
    assert sorted(steps(task("x/1", to="y"), task("y/2"))) == ["x", "y"]
    assert steps() == []


def test_start_by_another_name() -> None:
    """The graph names the first step."""
    assert steps(task("a/1"), task("z/2", to="a"), start="z") == ["z", "a"]


def test_deep_graph() -> None:
    """A thousand steps in a row are no problem."""
    names = [f"s{number}" for number in range(3_000)]
    chain = [
        task(f"{name}/1", to=following)
        for name, following in zip(names, [*names[1:], ""], strict=True)
    ]

    assert steps(*chain, start="s0") == names


@settings(max_examples=examples(40))
@given(flows(), st.integers())
def test_any_flow(flow: list[Block], seed: int) -> None:
    """In any flow, each step is listed once, after the steps before it."""
    tasks = act_out(flow).tasks
    result = sort_steps(shuffled(tasks, seed), "start")
    location = {name: number for number, name in enumerate(result)}

    assert sorted(result) == sorted({item.step for item in tasks})
    for item in tasks:
        for following in item.transition.steps if item.transition else ():
            assert location[item.step] < location[following] or item.step == following


def ids(tasks: Sequence[Task]) -> list[str]:
    """Return the ids of tasks after sorting."""
    return [item.id for item in sort_tasks(shuffled(tasks))]


def test_tasks_by_position() -> None:
    """Siblings are sorted by their foreach position as a number, for any ids."""
    siblings = [task(f"w/{90 - index}", foreach=at(f"w:x:{index}")) for index in range(12)]

    assert ids(siblings) == [str(90 - index) for index in range(12)]


def test_tasks_by_nested_position() -> None:
    """The outer position comes first."""
    nested = [
        task("w/1", foreach=at("m:x:1", "w:y:0")),
        task("w/2", foreach=at("m:x:0", "w:y:1")),
        task("w/3", foreach=at("m:x:0", "w:y:0")),
    ]

    assert ids(nested) == ["3", "2", "1"]


def test_tasks_by_round() -> None:
    """Within a position, rounds are in their order."""
    rounds = [task(f"w/{30 - number}", rounds=(number,)) for number in range(11)]

    assert ids(rounds) == [str(30 - number) for number in range(11)]


def test_tasks_by_id() -> None:
    """If nothing else decides the order, 9 comes before 10."""
    assert ids([task("w/10"), task("w/9"), task("w/t-1")]) == ["9", "10", "t-1"]


@pytest.mark.parametrize(
    ("decorators", "retries"),
    [
        ([], 0),
        ([("retry", {"times": "2"})], 2),
        ([("catch", {})], 3),  # so often it goes on if the process died
        ([("catch", {}), ("retry", {"times": 2})], 5),
    ],
)
def test_how_often_a_step_is_tried_again(
    decorators: list[tuple[str, dict[str, object]]], retries: int
) -> None:
    """The decorators of a step give its number of retries."""
    reported = [{"name": name, "attributes": facts} for name, facts in decorators]

    graph = to_graph({"steps": {"work": {"decorators": reported, "next": []}}})

    assert graph.retries == {"work": retries}
