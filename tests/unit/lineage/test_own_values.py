"""Values that a task wrote itself, although they equal what it received."""

from __future__ import annotations

import pytest

from mfwb.lineage import rebuild_lineage
from mfwb.lineage.own_values import EqualValues
from mfwb.snapshot import Task, TaskState
from tests.support.flow_runs import at, flow_run, spec, task
from tests.unit.lineage.sources import traced

_START = """
def fill(self):
    self.x = 0
@step
def start(self):
    self.next(self.work, foreach="items")
@step
def work(self):
    {body}
    self.next(self.join)
@step
def join(self, inputs):
    pass
"""


def _own(body: str, *values: str, state: TaskState = TaskState.OK) -> EqualValues:
    """Return what the first of some siblings has of its own; `x` of each is given, and 0 before."""
    siblings = [
        task(
            f"work/{location + 2}",
            to="join",
            has=f"x={value}",
            foreach=at(f"work:items:{location}"),
            state=TaskState.OK if location else state,
        )
        for location, value in enumerate(values)
    ]
    start = task("start/1", to="work", over="items", has="x=0")
    text = _START.format(body=body.replace("\n", "\n    "))
    return traced(text, start, *siblings, task("join/9")).equal_values(spec("work/2"))


_ASSIGNED = EqualValues(frozenset("x"), frozenset(), frozenset("x"))
_PERHAPS = EqualValues(frozenset(), frozenset("x"), frozenset("x"))
_AS_OTHERS = EqualValues(frozenset(), frozenset("x"), frozenset())
_NONE = EqualValues()


@pytest.mark.parametrize(
    "body",
    [
        "self.x = 0",
        "self.x = 10 if self.input == 4 else 0",
        "self.x += 0",
        "self.x: int = 0",
        "setattr(self, 'x', 0)",
        "a, self.x = 1, 0",
        "if self.input:\n    self.x = 0\nelse:\n    self.x = 1",
        "self.fill()",
        "try:\n    self.x = 1 / 0\nexcept ZeroDivisionError:\n    self.x = 0",
        "with open('f') as f:\n    self.x = 0",
    ],
)
def test_what_the_code_assigns(body: str) -> None:
    """On every way through the code: it is the task's own, whatever came out."""
    assert _own(body, "0", "0") == _ASSIGNED


@pytest.mark.parametrize(
    "body",
    [
        "if self.input:\n    self.x = 0",
        "for one in self.input:\n    self.x = max(self.x, one)",
        "while self.input():\n    self.x = 0",
        "del self.x",
    ],
)
def test_what_the_code_may_assign(body: str) -> None:
    """It counts as with the others: where the code may assign it, or one of them changed it."""
    sure = _own(body, "0", "0")

    assert sure == (_NONE if body.startswith("del") else _PERHAPS)
    assert _own(body, "0", "1") == _AS_OTHERS


@pytest.mark.parametrize("body", ["self.x.append(1)", "print(self.x)", "read(self.x)"])
def test_what_is_changed_in_place(body: str) -> None:
    """Nothing says so but that some sibling's came out different."""
    assert _own(body, "0", "0") == _NONE
    assert _own(body, "0", "1") == _AS_OTHERS


def test_a_computed_name() -> None:
    """As with code that is not known: only content tells."""
    assert _own("setattr(self, self.input, 0)", "0", "0") == _NONE
    assert _own("setattr(self, self.input, 0)", "0", "1") == _AS_OTHERS


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CAUGHT, TaskState.UNFINISHED])
def test_a_task_that_did_not_come_to_its_end(state: TaskState) -> None:
    """How far it came is not known, so what it was handed is not its own."""
    assert _own("self.x = 0", "0", "1", state=state) == _NONE


def test_a_catch_that_caught_nothing() -> None:
    """Metaflow sets the variable to None, equal to what an earlier step may have left there."""
    text = _START.format(body="pass").replace("@step\ndef work", '@catch(var="x")\n@step\ndef work')
    lineage = traced(
        f"from metaflow import catch\n{text}",
        task("start/1", to="work", over="items", has="x=0"),
        task("work/2", to="join", has="x=0", foreach=at("work:items:0")),
        task("join/9"),
    )

    assert lineage.equal_values(spec("work/2")) == _ASSIGNED


def test_clones_of_which_the_code_is_not_known() -> None:
    """They count as those of their step that ran anew, whose code is known."""
    at_places = [at(f"work:items:{location}") for location in range(2)]
    lineage = traced(
        _START.format(body="self.x = 0"),
        task("start/1", to="work", over="items", has="x=0"),
        task("work/2", to="join", has="x=0", foreach=at_places[0], origin="DemoFlow/5/work/2"),
        task("work/3", to="join", has="x=0", foreach=at_places[1]),
        task("join/9"),
    )

    assert lineage.doubts["work"] == ("it is a clone, and when DemoFlow/5 began is not known",)
    assert lineage.equal_values(spec("work/2")) == _PERHAPS
    assert lineage.equal_values(spec("work/3")) == _ASSIGNED


def _join(body: str, *has: str, known: bool = True, state: TaskState = TaskState.OK) -> EqualValues:
    """Return what a join has of its own behind two siblings; the last one is the join's."""
    *siblings, own = has
    tasks: list[Task] = [task("start/1", to="work", over="items")]
    tasks += [
        task(f"work/{location + 2}", to="join", has=item, foreach=at(f"work:items:{location}"))
        for location, item in enumerate(siblings)
    ]
    tasks.append(task("join/9", has=own, state=state))
    if not known:
        return _lineage_without_source(tasks)
    text = _START.format(body="self.x = 1").replace("inputs):\n    pass", f"inputs):\n    {body}")
    return traced(text, *tasks).equal_values(spec("join/9"))


def _lineage_without_source(tasks: list[Task]) -> EqualValues:
    return rebuild_lineage(flow_run(*tasks)).equal_values(spec("join/9"))


def test_joins() -> None:
    """What the inputs disagree on, a join has assigned; what it merged, it passes on."""
    worst = "self.x = max(i.x for i in inputs)"
    merge = "self.merge_artifacts(inputs)"
    chosen = EqualValues(frozenset("x"), frozenset(), frozenset())

    assert _join(worst, "x=1", "x=2", "x=2") == chosen
    assert _join(worst, "x=1", "x=2", "x=2", known=False) == chosen
    assert _join(worst, "x=1", "x=1", "x=1") == _ASSIGNED
    assert _join(worst, "x=1", "x=1", "x=1", known=False) == _NONE
    assert _join(merge, "x=1", "x=1", "x=1") == _NONE
    assert _join(f"self.x = inputs[0].x; {merge}", "x=1", "x=2", "x=1") == chosen


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CAUGHT])
def test_a_join_that_did_not_come_to_its_end(state: TaskState) -> None:
    """It came as far as its choice: without one, it would have nothing under that name."""
    chosen = EqualValues(frozenset("x"), frozenset(), frozenset())

    assert _join("self.x = inputs[0].x", "x=1", "x=2", "x=1", state=state) == chosen
    assert _join("self.x = inputs[0].x", "x=1", "x=1", "x=1", state=state) == _NONE
