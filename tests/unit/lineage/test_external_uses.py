"""Uses of artifacts of other flow runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mfwb.lineage import (
    add_external_uses,
    list_flow_runs_read,
    read_triggering_runs,
    rebuild_lineage,
)
from mfwb.lineage.static_analysis import ExternalRead
from mfwb.snapshot import FlowRun, Task
from tests.support.flow_runs import at, flow_run, task
from tests.support.operations import counted_calls

OTHER = replace(
    flow_run(
        task("start/1", to="work", over="items", has="data=d items=i"),
        *(
            task(
                f"work/{n}",
                to="end",
                has=f"part=p{n} data=d",
                foreach=at(f"start:items:{n - 2}"),
            )
            for n in (2, 3)
        ),
        task("end/4", has="data=d best=b"),
    ),
    flow="Other",
    id="3",
)


def _moved(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(
        replace(task, pathspec=task.pathspec.replace("DemoFlow/7", "Other/3")) for task in tasks
    )


OTHER = replace(OTHER, steps=tuple(replace(step, tasks=_moved(step.tasks)) for step in OTHER.steps))


def _run(triggers: object = None) -> FlowRun:
    metadata = {} if triggers is None else {"execution-triggers": json.dumps(triggers)}
    return flow_run(task("start/1", to="end", has="x=1", metadata=metadata), task("end/2"))


TRIGGERED = _run([{"type": "event", "id": "e"}, {"type": "run", "id": "Other/3/end/4"}])


def _used(read: ExternalRead, run: FlowRun = TRIGGERED) -> set[tuple[str, str]]:
    lineage = replace(rebuild_lineage(run), externals={"DemoFlow/7/end/2": (read,)})
    others = {"Other/3": (OTHER, rebuild_lineage(OTHER))}
    result = add_external_uses(run, lineage, others, {})
    assert {use.edge.consumer for use in result.external_uses} <= {"DemoFlow/7/end/2"}
    assert {use.read for use in result.external_uses} <= {read}
    return {(use.edge.artifact, use.edge.producer) for use in result.external_uses}


@pytest.mark.parametrize(
    ("read", "used"),
    {
        ExternalRead("run", "Other/3", "best"): {("best", "Other/3/end/4")},
        ExternalRead("run", "Other/3", "data"): {("data", "Other/3/start/1")},
        ExternalRead("trigger", "", "data"): {("data", "Other/3/start/1")},
        ExternalRead("trigger", "start", "items"): {("items", "Other/3/start/1")},
        ExternalRead("step", "Other/3/work", "part"): {
            ("part", "Other/3/work/2"),
            ("part", "Other/3/work/3"),
        },
        ExternalRead("task", "Other/3/work/3", "part"): {("part", "Other/3/work/3")},
        ExternalRead("artifact", "Other/3/work/3/part"): {("part", "Other/3/work/3")},
    }.items(),
)
def test_used(read: ExternalRead, used: set[tuple[str, str]]) -> None:
    """A run hands out what its last step has, whoever wrote that; a step what any task has."""
    assert _used(read) == used


@pytest.mark.parametrize(
    "read",
    [
        ExternalRead("run", "Other/3", "items"),  # not handed on to the end
        ExternalRead("run", "Other/3"),
        ExternalRead("run", "Other", "best"),
        ExternalRead("run", "", "best"),
        ExternalRead("run", "Other/3/work/3/part/x", "best"),
        ExternalRead("flow", "Other", "best"),
        ExternalRead("step", "Other/3/*", "part"),
        ExternalRead("task", "Other/3/work/9", "part"),
        ExternalRead("trigger", "*", "part"),
        ExternalRead("artifact", "Other/3"),
        ExternalRead("artifact", "part"),
    ],
)
def test_unknown_reads(read: ExternalRead) -> None:
    """Where it can't be told which version is meant, or there is none, there is no edge."""
    assert _used(read) == set()


def test_which_flow_runs() -> None:
    """Those that artifacts are read of, and not the flow run itself."""
    run = TRIGGERED
    read = {
        "DemoFlow/7/start/1": (ExternalRead("trigger", "", "x"), ExternalRead("run", "X/1", "y")),
        "DemoFlow/7/end/2": (
            ExternalRead("run", "DemoFlow/7", "x"),
            ExternalRead("run", "Y/2"),
            ExternalRead("flow", "Z", "x"),
            ExternalRead("step", "W/5/a", "x"),
        ),
    }

    assert list_flow_runs_read(run, replace(rebuild_lineage(run), externals=read)) == (
        "Other/3",
        "W/5",
        "X/1",
    )


def test_unread() -> None:
    """What could not be read is told by how the code says it."""
    lineage = replace(
        rebuild_lineage(TRIGGERED),
        externals={
            "DemoFlow/7/end/2": (ExternalRead("trigger", "", "x"), ExternalRead("run", "X/1", "y"))
        },
    )

    result = add_external_uses(TRIGGERED, lineage, {}, {"Other/3": "gone", "X/1": "never was"})

    assert result.external_uses == ()
    assert result.unread == {
        ExternalRead("trigger", "", "x"): "gone",
        ExternalRead("run", "X/1", "y"): "never was",
    }


def test_triggers_are_read_once() -> None:
    """However often code refers to them; and not more of them than there can be."""
    triggers = [{"type": "run", "id": f"Other/{n}", "x": "y" * 100} for n in range(2_000)]
    run = _run(triggers)
    read = tuple(ExternalRead("trigger", "", f"x{n}") for n in range(300))
    lineage = replace(rebuild_lineage(run), externals={"DemoFlow/7/end/2": read})

    with counted_calls() as calls:
        result = list_flow_runs_read(run, lineage)

    assert calls.count < 500 * len(triggers)
    assert len(result) == 100


def test_triggers_nested_without_end() -> None:
    """What no reader of JSON takes triggered nothing."""
    run = flow_run(task("start/1", metadata={"execution-triggers": "[" * 100_000}))

    assert read_triggering_runs(run) == ()


@pytest.mark.parametrize("triggers", [None, {}, "x", [1], [{"type": "event", "id": "Other/3"}]])
def test_not_triggered(triggers: object) -> None:
    """By events, by hand, or by what nobody can read."""
    assert read_triggering_runs(_run(triggers)) == ()
