"""The parents of each task, from what the tasks recorded."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.errors import LineageError
from mfwb.lineage import rebuild_lineage
from mfwb.lineage.parents import find_parents, sort_by_lineage
from mfwb.snapshot import Task
from tests.support.examples import examples
from tests.support.flow_runs import at, flow_run, shuffled, spec, task
from tests.unit.random_flows import Block, act_out, flows

Parents = dict[str, tuple[str, ...]]


def parents(*tasks: Task) -> Parents:
    """Return the parents that are rebuilt, without the pathspec of the flow run."""
    result = find_parents(flow_run(*shuffled(tasks)))
    return {_short(child): tuple(map(_short, result[child])) for child in sorted(result)}


def _short(pathspec: str) -> str:
    return pathspec.removeprefix("DemoFlow/7/")


def test_linear() -> None:
    """A task comes from the one that went on to its step; the first has no parent."""
    result = parents(task("start/1", to="mid"), task("mid/2", to="end"), task("end/3"))

    assert result == {"start/1": (), "mid/2": ("start/1",), "end/3": ("mid/2",)}


def test_foreach_and_join() -> None:
    """Each task of a foreach comes from the one before it; the join from all, by position."""
    result = parents(
        task("start/1", to="work", over="items"),
        task("work/40", to="join", foreach=at("work:items:0")),
        task("work/3", to="join", foreach=at("work:items:1")),
        task("work/20", to="join", foreach=at("work:items:2")),
        task("join/5", to="end"),
        task("end/6"),
    )

    assert result == {
        "start/1": (),
        "work/40": ("start/1",),
        "work/3": ("start/1",),
        "work/20": ("start/1",),
        "join/5": ("work/40", "work/3", "work/20"),
        "end/6": ("join/5",),
    }


def test_linear_inside_foreach() -> None:
    """Inside a foreach a task comes from the one of its own position alone."""
    result = parents(
        task("start/1", to="first", over="items"),
        task("first/2", to="second", foreach=at("first:items:0")),
        task("first/3", to="second", foreach=at("first:items:1")),
        task("second/4", to="join", foreach=at("first:items:1")),
        task("second/5", to="join", foreach=at("first:items:0")),
        task("join/6"),
    )

    assert result["second/4"] == ("first/3",)
    assert result["second/5"] == ("first/2",)
    assert result["join/6"] == ("second/5", "second/4")


def test_nested_foreach() -> None:
    """An inner join gathers the positions of its own outer one."""
    result = parents(
        task("start/1", to="mid", over="outer"),
        task("mid/2", to="work", over="inner", foreach=at("mid:outer:0")),
        task("mid/3", to="work", over="inner", foreach=at("mid:outer:1")),
        task("work/4", to="inner_join", foreach=at("mid:outer:0", "work:inner:0")),
        task("work/5", to="inner_join", foreach=at("mid:outer:1", "work:inner:0")),
        task("work/6", to="inner_join", foreach=at("mid:outer:1", "work:inner:1")),
        task("inner_join/7", to="join", foreach=at("mid:outer:0")),
        task("inner_join/8", to="join", foreach=at("mid:outer:1")),
        task("join/9"),
    )

    assert result == {
        "start/1": (),
        "mid/2": ("start/1",),
        "mid/3": ("start/1",),
        "work/4": ("mid/2",),
        "work/5": ("mid/3",),
        "work/6": ("mid/3",),
        "inner_join/7": ("work/4",),
        "inner_join/8": ("work/5", "work/6"),
        "join/9": ("inner_join/7", "inner_join/8"),
    }


def test_ten_positions_are_numbers() -> None:
    """The parents of a join are sorted by position as a number: 2 before 10."""
    work = [
        task(f"work/{50 - index}", to="join", foreach=at(f"work:items:{index}"))
        for index in range(12)
    ]
    result = parents(task("start/1", to="work", over="items"), *work, task("join/99"))

    assert result["join/99"] == tuple(f"work/{50 - index}" for index in range(12))


def test_split_and_join() -> None:
    """The join of a split comes from every branch, by name."""
    result = parents(
        task("start/1", to="b a"),
        task("b/2", to="join"),
        task("a/3", to="join"),
        task("join/4"),
    )

    assert result == {
        "start/1": (),
        "b/2": ("start/1",),
        "a/3": ("start/1",),
        "join/4": ("a/3", "b/2"),
    }


def test_split_inside_foreach() -> None:
    """A split inside a foreach joins within its position."""
    result = parents(
        task("start/1", to="fork", over="items"),
        task("fork/2", to="a b", foreach=at("fork:items:0")),
        task("fork/3", to="a b", foreach=at("fork:items:1")),
        task("a/4", to="meet", foreach=at("fork:items:0")),
        task("a/5", to="meet", foreach=at("fork:items:1")),
        task("b/6", to="meet", foreach=at("fork:items:1")),
        task("b/7", to="meet", foreach=at("fork:items:0")),
        task("meet/8", to="join", foreach=at("fork:items:0")),
        task("meet/9", to="join", foreach=at("fork:items:1")),
        task("join/10"),
    )

    assert result["meet/8"] == ("a/4", "b/7")
    assert result["meet/9"] == ("a/5", "b/6")
    assert result["join/10"] == ("meet/8", "meet/9")


def test_foreach_inside_a_branch() -> None:
    """A branch that fans out is joined before the branches meet."""
    result = parents(
        task("start/1", to="fan plain"),
        task("fan/2", to="work", over="items"),
        task("plain/3", to="meet"),
        task("work/4", to="gather", foreach=at("work:items:0")),
        task("work/5", to="gather", foreach=at("work:items:1")),
        task("gather/6", to="meet"),
        task("meet/7"),
    )

    assert result["gather/6"] == ("work/4", "work/5")
    assert result["meet/7"] == ("gather/6", "plain/3")


def test_recursion() -> None:
    """Each round comes from the one before, and the step behind from the last."""
    result = parents(
        task("start/1", to="loop"),
        task("loop/2", to="loop", rounds=(0,)),
        task("loop/3", to="loop", rounds=(1,)),
        task("loop/4", to="end", rounds=(2,)),
        task("end/5"),
    )

    assert result == {
        "start/1": (),
        "loop/2": ("start/1",),
        "loop/3": ("loop/2",),
        "loop/4": ("loop/3",),
        "end/5": ("loop/4",),
    }


def test_recursion_behind_recursion() -> None:
    """A second recursive step, whose rounds Metaflow counts on, comes from the first's last."""
    result = parents(
        task("start/1", to="a"),
        task("a/2", to="a", rounds=(0,)),
        task("a/3", to="b", rounds=(1,)),
        task("b/4", to="b", rounds=(2,)),
        task("b/5", to="end", rounds=(3,)),
        task("end/6"),
    )

    assert result["a/2"] == ("start/1",)
    assert result["b/4"] == ("a/3",)
    assert result["b/5"] == ("b/4",)
    assert result["end/6"] == ("b/5",)


def test_recursion_inside_foreach() -> None:
    """Rounds stay within their position."""
    result = parents(
        task("start/1", to="loop", over="items"),
        task("loop/2", to="loop", foreach=at("loop:items:0"), rounds=(0,)),
        task("loop/3", to="join", foreach=at("loop:items:1"), rounds=(0,)),
        task("loop/4", to="join", foreach=at("loop:items:0"), rounds=(1,)),
        task("join/5"),
    )

    assert result["loop/3"] == ("start/1",)
    assert result["loop/4"] == ("loop/2",)
    assert result["join/5"] == ("loop/4", "loop/3")


def test_switch_that_skips() -> None:
    """A step that may be skipped is parent only of what it really went on to."""
    skipped = parents(task("start/1", to="end"), task("end/2"))
    worked = parents(task("start/1", to="work"), task("work/2", to="end"), task("end/3"))

    assert skipped == {"start/1": (), "end/2": ("start/1",)}
    assert worked == {"start/1": (), "work/2": ("start/1",), "end/3": ("work/2",)}


def test_switch_branches_that_meet_at_a_join() -> None:
    """Tasks of a foreach may arrive at the join from different steps."""
    result = parents(
        task("start/1", to="choose", over="items"),
        task("choose/2", to="slow", foreach=at("choose:items:0")),
        task("choose/3", to="fast", foreach=at("choose:items:1")),
        task("slow/4", to="join", foreach=at("choose:items:0")),
        task("fast/5", to="join", foreach=at("choose:items:1")),
        task("join/6"),
    )

    assert result["join/6"] == ("slow/4", "fast/5")


def test_two_ways_into_one_foreach() -> None:
    """The tasks of a foreach come from the one of two steps that did fan out."""
    result = parents(
        task("start/1", to="left"),
        task("left/2", to="work", over="items"),
        task("work/3", to="join", foreach=at("work:items:0")),
        task("join/4"),
    )

    assert result["work/3"] == ("left/2",)


def test_failed_parent_of_nothing() -> None:
    """A task that failed chose no next step, so nobody comes from it."""
    result = parents(
        task("start/1", to="work", over="items"),
        task("work/2", foreach=at("work:items:0")),
        task("work/3", to="join", foreach=at("work:items:1")),
    )

    assert result == {"start/1": (), "work/2": ("start/1",), "work/3": ("start/1",)}


def test_order_puts_parents_first() -> None:
    """Tasks are sorted so that each follows all of its parents."""
    tasks = [task("end/1"), task("mid/2", to="end"), task("start/3", to="mid")]
    result = sort_by_lineage(tasks, find_parents(flow_run(*tasks)))

    assert [item.step for item in result] == ["start", "mid", "end"]


def test_cycle() -> None:
    """Facts that make tasks their own ancestors are refused, naming those tasks."""
    contradiction = flow_run(
        task("start/1", to="end"),
        task("a/2", to="b"),
        task("b/3", to="a"),
        task("end/4"),
    )

    with pytest.raises(
        LineageError,
        match=re.escape("these tasks are their own ancestors: DemoFlow/7/a/2, DemoFlow/7/b/3"),
    ):
        rebuild_lineage(contradiction)


def test_more_parents_than_there_can_be() -> None:
    """Each task of a step from each one of another step: refused before that takes all memory."""
    crowd = [task(f"a/{n}", to="b") for n in range(300)]
    crowd += [task(f"b/{n}", to="c") for n in range(1000, 1300)]

    with pytest.raises(LineageError, match="more parents than Metaflow gives them"):
        find_parents(flow_run(*crowd))


@settings(max_examples=examples(80))
@given(flows(), st.integers())
def test_any_flow(flow: list[Block], seed: int) -> None:
    """Whatever the flow looks like and in whatever order tasks are listed: the truth is found."""
    acted = act_out(flow)
    result = find_parents(flow_run(*shuffled(acted.tasks, seed)))

    assert result == acted.parents


@contextmanager
def _counting_opcodes() -> Iterator[list[int]]:
    count = [0]

    def trace(frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        frame.f_trace_opcodes = True
        count[0] += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def _effort(width: int) -> int:
    """Return how many instructions the lineage of a foreach of that width takes."""
    work = [
        task(f"work/{index + 2}", to="join", has=f"x={index}", foreach=at(f"work:items:{index}"))
        for index in range(width)
    ]
    wide = flow_run(task("start/1", to="work", over="items"), *work, task("join/0"))
    with _counting_opcodes() as count:
        rebuild_lineage(wide)
    return count[0]


def test_effort_grows_with_the_number_of_tasks() -> None:
    """Twice the tasks take twice the work, not four times."""
    assert _effort(400) < 2.2 * _effort(200)


def test_pathspecs_are_whole() -> None:
    """Parents go by pathspec."""
    result = find_parents(flow_run(task("start/1", to="end"), task("end/2")))

    assert result == {"DemoFlow/7/start/1": (), spec("end/2"): ("DemoFlow/7/start/1",)}
