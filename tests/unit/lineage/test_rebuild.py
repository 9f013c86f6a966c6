"""The producer and the users of each artifact."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.lineage import Edge, Evidence, Lineage, rebuild_lineage
from mfwb.snapshot import FlowRun, Parameter, Task
from tests.support.examples import examples
from tests.support.flow_runs import at, flow_run, parameter, ref, sha, short, shuffled, spec, task
from tests.unit.lineage.sources import traced, with_source
from tests.unit.planning.plans import runs_of
from tests.unit.random_flows import Block, act_out, flows


def edges(*tasks: Task, parameters: tuple[Parameter, ...] = ()) -> list[str]:
    """Return the edges as `consumer <- artifact@sha1 of producer (ground)`."""
    lineage = rebuild_lineage(flow_run(*shuffled(tasks), parameters=parameters))
    return [
        f"{_short(edge.consumer)} <- {edge.artifact}@{short(edge.sha1)} of {_short(edge.producer)} "
        f"({edge.evidence.value})"
        for edge in lineage.edges
    ]


def writes(run: FlowRun) -> dict[str, tuple[str, ...]]:
    """Return what each task wrote."""
    result = rebuild_lineage(run).writes
    return {_short(pathspec): result[pathspec] for pathspec in sorted(result)}


def _short(pathspec: str) -> str:
    return pathspec.removeprefix("DemoFlow/7/")


def test_producer_is_who_wrote_it() -> None:
    """What a parent had in hand is used, and whoever wrote it is the producer."""
    result = edges(
        task("start/1", to="mid", has="x=1"),
        task("mid/2", to="end", has="x=1 y=2"),
        task("end/3", has="x=1 y=2"),
    )

    assert result == [
        "end/3 <- x@1 of start/1 (available)",
        "end/3 <- y@2 of mid/2 (available)",
        "mid/2 <- x@1 of start/1 (available)",
    ]


def test_writes() -> None:
    """A task writes what is new or changed, by name; what it passes on is another's."""
    run = flow_run(
        task("start/1", to="mid", has="b=1 a=1"),
        task("mid/2", to="end", has="b=1 a=2 c=3"),
        task("end/3", has="b=1 a=2 c=3"),
    )

    assert writes(run) == {"start/1": ("a", "b"), "mid/2": ("a", "c"), "end/3": ()}


def test_changed_and_changed_back() -> None:
    """A value that comes back after a change was written anew."""
    run = flow_run(
        task("start/1", to="mid", has="x=1"),
        task("mid/2", to="end", has="x=2"),
        task("end/3", has="x=1"),
    )

    assert writes(run) == {"start/1": ("x",), "mid/2": ("x",), "end/3": ("x",)}


def test_equal_content_under_another_name_is_written() -> None:
    """A copy of an artifact under another name has a producer of its own."""
    run = flow_run(task("start/1", to="end", has="x=1"), task("end/2", has="x=1 y=1"))

    assert writes(run) == {"start/1": ("x",), "end/2": ("y",)}


def test_join_uses_what_siblings_made() -> None:
    """A join has an edge to each sibling's version."""
    result = edges(
        task("start/1", to="work", over="items"),
        task("work/2", to="join", has="model=m0", foreach=at("work:items:0")),
        task("work/3", to="join", has="model=m1", foreach=at("work:items:1")),
        task("join/4"),
    )

    assert result == [
        "join/4 <- model@m0 of work/2 (available)",
        "join/4 <- model@m1 of work/3 (available)",
    ]


def test_join_that_takes_over_one_siblings_version() -> None:
    """The version a join hands on keeps the sibling that made it as its producer."""
    tasks = [
        task("start/1", to="work", over="items"),
        task("work/2", to="join", has="model=m0", foreach=at("work:items:0")),
        task("work/3", to="join", has="model=m1", foreach=at("work:items:1")),
        task("join/4", to="end", has="best=m1 model=m1"),
        task("end/5", has="best=m1 model=m1"),
    ]

    assert edges(*tasks)[:2] == [
        "end/5 <- best@m1 of join/4 (available)",
        "end/5 <- model@m1 of work/3 (available)",
    ]
    assert writes(flow_run(*tasks))["join/4"] == ("best",)


def test_siblings_that_made_the_same() -> None:
    """Each sibling wrote its own; handed on by a join it counts as the first one's."""
    tasks = [
        task("start/1", to="work", over="items"),
        task("work/3", to="join", has="model=same", foreach=at("work:items:0")),
        task("work/2", to="join", has="model=same", foreach=at("work:items:1")),
        task("join/4", to="end", has="model=same"),
        task("end/5", has="model=same"),
    ]

    assert edges(*tasks) == [
        "end/5 <- model@same of work/3 (available)",
        "join/4 <- model@same of work/2 (available)",
        "join/4 <- model@same of work/3 (available)",
    ]
    assert writes(flow_run(*tasks)) == {
        "start/1": (),
        "work/3": ("model",),
        "work/2": ("model",),
        "join/4": (),
        "end/5": (),
    }


def test_branches_that_pass_the_same_thing_on() -> None:
    """A join gets what both branches handed on once, from who wrote it."""
    result = edges(
        task("start/1", to="a b", has="x=1"),
        task("a/2", to="join", has="x=1"),
        task("b/3", to="join", has="x=1"),
        task("join/4"),
    )

    assert [edge for edge in result if edge.startswith("join/4")] == [
        "join/4 <- x@1 of start/1 (available)"
    ]


def test_foreach_input() -> None:
    """The artifact behind `self.input` is marked so, for the first step inside the foreach only."""
    result = edges(
        task("start/1", to="first", over="items", has="items=i other=o"),
        task("first/2", to="second", has="items=i other=o", foreach=at("first:items:0")),
        task("second/3", to="join", has="items=i other=o", foreach=at("first:items:0")),
        task("join/4"),
    )

    assert result == [
        "first/2 <- items@i of start/1 (foreach-input)",
        "first/2 <- other@o of start/1 (available)",
        "join/4 <- items@i of start/1 (available)",
        "join/4 <- other@o of start/1 (available)",
        "second/3 <- items@i of start/1 (available)",
        "second/3 <- other@o of start/1 (available)",
    ]


def test_nested_foreach_input() -> None:
    """In a nested foreach the innermost list is the input."""
    result = edges(
        task("start/1", to="mid", over="outer", has="outer=o"),
        task("mid/2", to="work", over="inner", has="outer=o inner=i", foreach=at("mid:outer:0")),
        task("work/3", foreach=at("mid:outer:0", "work:inner:0")),
    )

    assert result == [
        "mid/2 <- outer@o of start/1 (foreach-input)",
        "work/3 <- inner@i of mid/2 (foreach-input)",
        "work/3 <- outer@o of start/1 (available)",
    ]


def test_parameters() -> None:
    """Every task, the first one too, can use every parameter; nobody of the flow wrote it."""
    result = edges(task("start/1", to="end"), task("end/2"), parameters=(parameter("alpha", 0.5),))

    assert result == [
        "end/2 <- alpha@p-alpha of _parameters (parameter)",
        "start/1 <- alpha@p-alpha of _parameters (parameter)",
    ]


def test_recursion() -> None:
    """A round uses what the round before wrote."""
    result = edges(
        task("start/1", to="loop", has="n=0"),
        task("loop/2", to="loop", has="n=1", rounds=(0,)),
        task("loop/3", to="end", has="n=2", rounds=(1,)),
        task("end/4", has="n=2"),
    )

    assert result == [
        "end/4 <- n@2 of loop/3 (available)",
        "loop/2 <- n@0 of start/1 (available)",
        "loop/3 <- n@1 of loop/2 (available)",
    ]


def test_edge_as_a_value() -> None:
    """An edge names consumer and producer by pathspec."""
    run = flow_run(task("start/1", to="end", has=[ref("x", "abc")]), task("end/2"))

    assert rebuild_lineage(run).edges == (
        Edge("DemoFlow/7/end/2", "x", "DemoFlow/7/start/1", sha("abc"), Evidence.AVAILABLE),
    )


@settings(max_examples=examples(50))
@given(flows(), st.integers())
def test_any_flow(flow: list[Block], seed: int) -> None:
    """Whatever the flow: each edge names the task that wrote that version, and none is missing."""
    acted = act_out(flow)
    content = {
        (task.pathspec, ref.name): ref.sha1 for task in acted.tasks for ref in task.artifacts
    }
    lineage = rebuild_lineage(flow_run(*shuffled(acted.tasks, seed)))

    assert {(e.consumer, e.artifact, e.producer, e.sha1) for e in lineage.edges} == {
        (child, name, producer, content[parent, name])
        for child, parents in acted.parents.items()
        for parent in parents
        for name, producer in acted.producers[parent].items()
    }
    assert lineage.writes == {
        pathspec: tuple(sorted(name for name, by in producers.items() if by == pathspec))
        for pathspec, producers in acted.producers.items()
    }


_BODY = """
@step
def start(self):
    self.total = 1
    self.next(self.work, foreach="items")
@step
def work(self):
    self.total = self.data + self.input
    self.next(self.join)
@step
def join(self, inputs):
    pass
"""

_GIVEN = (ref("data", "d"), ref("items", "i"), ref("total", "1"))

_TASKS = (
    task("start/1", to="work", over="items", has=_GIVEN),
    task("work/2", to="join", has=_GIVEN, is_control=True),
    task("work/2-0", to="join", has=[*_GIVEN[:2], ref("total", "1")], foreach=at("work:items:0")),
    task("work/2-1", to="join", has=[*_GIVEN[:2], ref("total", "5")], foreach=at("work:items:1")),
    task("join/3"),
)


def _lineage() -> Lineage:
    return traced(_BODY, *_TASKS)


def _flow_run() -> FlowRun:
    return with_source(_BODY, *_TASKS)


def test_it_comes_from_the_split_and_leads_nowhere() -> None:
    """The join has the tasks that it set off."""
    lineage = _lineage()

    assert lineage.parents[spec("work/2")] == (spec("start/1"),)
    assert lineage.parents[spec("work/2-1")] == (spec("start/1"),)
    assert lineage.parents[spec("join/3")] == (spec("work/2-0"), spec("work/2-1"))
    assert lineage.doubts == {}


def test_what_it_used_and_what_it_made() -> None:
    """It used what is iterated over, and what it inherited is not its own."""
    lineage = _lineage()
    used = [edge for edge in lineage.edges if edge.consumer == spec("work/2")]

    assert used == [
        Edge(spec("work/2"), "items", spec("start/1"), sha("i"), Evidence.FOREACH_INPUT)
    ]
    assert lineage.writes[spec("work/2")] == ()
    assert lineage.equal_values(spec("work/2")).names == frozenset()
    assert lineage.equal_values(spec("work/2-0")).names == {"total"}


def test_it_is_a_row_of_its_own() -> None:
    """Behind those that it set off, without a place among them."""
    work = runs_of(_flow_run())["work"]
    [total] = work.values

    assert [(task.pathspec, task.label, task.row) for task in work.tasks] == [
        (spec("work/2-0"), "0", 0),
        (spec("work/2-1"), "1", 1),
        (spec("work/2"), "control", 2),
    ]
    assert [content.task for content in total.contents] == [spec("work/2-0"), spec("work/2-1")]
    assert work.losses == ()


def test_an_unbounded_foreach_in_a_foreach() -> None:
    """Each control task comes from the split of its own place."""
    outer = [at(f"mid:xs:{location}") for location in range(2)]
    inner = [
        task(f"work/{location}-0", to="end", foreach=(*frames, *at("work:ys:0")))
        for location, frames in enumerate(outer)
    ]
    lineage = traced(
        "@step\ndef start(self):\n    pass",
        task("start/1", to="mid", over="xs"),
        *(task(f"mid/{p}", to="work", over="ys", foreach=item) for p, item in enumerate(outer)),
        *(
            replace(task(f"work/{p}", to="end", foreach=item), is_control=True)
            for p, item in enumerate(outer)
        ),
        *inner,
        *(task(f"end/{p}", foreach=item) for p, item in enumerate(outer)),
    )

    assert [lineage.parents[spec(f"work/{p}")] for p in range(2)] == [
        (spec("mid/0"),),
        (spec("mid/1"),),
    ]
    assert [lineage.parents[spec(f"end/{p}")] for p in range(2)] == [
        (spec("work/0-0"),),
        (spec("work/1-0"),),
    ]
