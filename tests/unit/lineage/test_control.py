"""The control task of an unbounded foreach: it starts the others, and runs none of the code."""

from __future__ import annotations

from dataclasses import replace

from mfwb.lineage import Edge, Evidence, Lineage
from mfwb.snapshot import FlowRun
from tests.support.flow_runs import at, ref, sha, spec, task
from tests.unit.lineage.test_reads import traced, with_source
from tests.unit.planning.plans import runs_of

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
    outer = [at(f"mid:xs:{place}") for place in range(2)]
    inner = [
        task(f"work/{place}-0", to="end", foreach=(*frames, *at("work:ys:0")))
        for place, frames in enumerate(outer)
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
