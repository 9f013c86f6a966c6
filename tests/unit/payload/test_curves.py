"""Charts of curves: names, x axes, and what the summary has of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from mfwb.payload import curves as limits
from mfwb.payload.curves import Curves, draw_curves
from mfwb.payload.history import build_axes, build_history
from mfwb.payload.inspections import Inspections
from mfwb.payload.values import decode_values
from mfwb.planning import PlannedRun
from tests.unit.payload.memory import MemoryContents, planned_run, row


def drawn(frames: Any = None, run: dict[str, Any] | None = None, **values: Any) -> Curves:
    """Return the curves of one task with these values."""
    planned, decoded = _single(**values)
    return draw_curves(replace(planned, **(run or {})), decoded, frames or {})


def _single(**values: Any) -> tuple[PlannedRun, Any]:
    contents = MemoryContents()
    run = planned_run(values={key: [contents.add(value, key)] for key, value in values.items()})
    decoded, _ = decode_values(run.values, Inspections(contents), run.unpickle)
    return run, decoded


def axes(curves: Curves) -> dict[str, str]:
    """Return the x axis of each chart."""
    return {chart.name: chart.axis for chart in curves.charts}


def test_names_are_the_users_own() -> None:
    """Of keys and columns, prefixes included; the artifact's name is only in the x axis."""
    curves = drawn(
        loss=[0.5, 0.25],
        history={"accuracy": [0.1, 0.2], "val/accuracy": [0.1, 0.3]},
        evals={"train": {"rmse": [2.0, 1.0]}},
        rows=[{"epoch": 3, "f1": 0.5}, {"epoch": 4, "f1": 0.6}],
    )

    assert axes(curves) == {
        "loss": "loss/index",
        "accuracy": "history/index",
        "val/accuracy": "history/index",
        "train/rmse": "evals/index",
        "f1": "epoch",
    }
    assert curves.replaced == {"loss", "history", "evals", "rows"}
    assert curves.last_points() == {
        "loss": 0.25,
        "accuracy": 0.2,
        "val/accuracy": 0.3,
        "train/rmse": 1.0,
        "f1": 0.6,
        "epoch": 4,
    }


def test_names_that_two_have() -> None:
    """A value or another curve of that name puts the artifact's name in front, for both."""
    curves = drawn(
        accuracy=0.9,
        first={"loss": [2.0, 1.0], "accuracy": [0.1, 0.2]},
        second={"loss": [4.0, 3.0], "tasks/x": [1.0, 2.0]},
        other={"other": [1.5, 2.5]},
    )

    assert axes(curves) == {
        "first/loss": "first/index",
        "first/accuracy": "first/index",
        "second/loss": "second/index",
        "second/tasks/x": "second/index",
        "other": "other/index",
    }


def test_gaps() -> None:
    """A row without a key has no point; NaN is a point."""
    curves = drawn(rows=[{"a": 1.0}, {"a": math.nan, "b": 2.0}])

    points = {chart.name: chart.points for chart in curves.charts}
    assert str(points) == str({"a": ((0, 0, 1.0), (1, 1, math.nan)), "b": ((1, 1, 2.0),)})


def test_settings_stay_in_the_summary() -> None:
    """A short list of whole numbers does, and what a chart rounds."""
    curves = drawn(
        layers=[64, 32], many=[*range(21)], large=[2**60, 1], both={"a": [2**60, 1], "b": [1, 2]}
    )

    assert curves.replaced == {"many"}
    assert curves.last_points() == {"many": 20, "a": 1, "b": 2}
    kept = {axis.chart for axis in build_axes((), curves) if axis.keeps_value}
    assert kept == {"layers", "large"}


def test_rules_of_settings_and_graph() -> None:
    """What is excluded or iterated over has no chart, and stays a value."""
    excluded = {"no_curves": ("a",), "iterated": ("b",)}
    curves = drawn(run=excluded, a=[1.5, 2.5], b=[{"lr": 0.1}, {"lr": 0.2}], c=[0.5, 0.25])

    assert axes(curves) == {"c": "c/index"}
    assert curves.replaced == {"c"}


def test_tables() -> None:
    """They stay artifacts, so that their names are taken."""
    frames = {"log": {planned_run().tasks[0].pathspec: {"epoch": [1, 2], "log": [0.5, None]}}}
    curves = drawn(frames, {"switched_off": ()}, log2=1)
    taken = drawn(frames, log=1)

    assert axes(curves) == {"log": "epoch"}
    assert axes(taken) == {"log/log": "epoch"}
    assert curves.charts[0].points == ((0, 1, 0.5),)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond them stays a value."""
    monkeypatch.setattr(limits, "CHARTS_LIMIT", 2)
    curves = drawn(a=[0.5, 1.5], b={"x": [0.5, 1.5], "y": [0.5, 1.5]}, c=[0.5, 1.5])
    assert curves.replaced == {"a", "c"}
    monkeypatch.setattr(limits, "POINTS_LIMIT", 3)
    assert drawn(a=[0.5, 1.5], c=[0.5, 1.5]).replaced == {"a"}


def test_tasks_of_a_foreach() -> None:
    """Each has its charts, with its label; only if all have a curve, the list is left out."""
    contents = MemoryContents()
    tasks = [row(0), row(1)]
    values: dict[str, list[Any]] = {
        "loss": [[0.5, 0.25], [0.75, 0.5]],
        "some": [[0.5, 0.25], 3],
        "rows": [[{"epoch": 1, "f": 0.1}, {"epoch": 2, "f": 0.2}]] * 2,
    }
    planned = {
        key: [contents.add(value, key, task.pathspec) for task, value in zip(tasks, each)]  # noqa: B905
        for key, each in values.items()
    }
    run = planned_run(tasks=tasks, values=planned)
    decoded, _ = decode_values(run.values, Inspections(contents), run.unpickle)

    curves = draw_curves(run, decoded)

    assert axes(curves) == {
        "loss/0": "loss/index",
        "loss/1": "loss/index",
        "some/0": "some/index",
        "f/0": "epoch/0",
        "f/1": "epoch/1",
    }
    assert curves.replaced == {"loss", "rows"}
    assert build_history(run, {}, curves)[0][1]["f/1"] == 0.1


def test_a_name_that_wandb_takes_for_a_pattern() -> None:
    """It has a chart, but `define_metric` can't give it an x axis."""
    assert build_axes((), drawn(a={"x*": [0.5, 1.5], "y": [0.5, 1.5]}))[0].chart == "y"
