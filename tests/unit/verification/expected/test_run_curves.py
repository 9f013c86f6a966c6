"""What the charts of a W&B run should show."""

from __future__ import annotations

from typing import Any

from mfwb.verification.expected.curve_columns import find_axis, keeps_value, read_columns
from mfwb.verification.expected.kinds import ExpectedForm, Shape
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.run_curves import CurveRules, ExpectedCurves, expect_curves
from mfwb.verification.expected.value_reader import PickledValue
from mfwb.verification.expected.written_value import WrittenValue
from tests.unit.verification.expected.facts_of_tasks import held, task

TASKS = [task("fit", f"{n}", indexes=(n,)) for n in range(2)]


def _written(
    at: int, value: Any, *, need: Need = Need.REQUIRED, shape: Shape = "value"
) -> WrittenValue:
    pickled = PickledValue("d", frozenset(), json_value=value, size=1, columns=read_columns(value))
    return WrittenValue(TASKS[at], held("x"), pickled, ExpectedForm((), shape), need)


def _expect(rules: CurveRules | None = None, **values: Any) -> ExpectedCurves:
    written = {name: [_written(0, value)] for name, value in values.items()}
    return expect_curves(TASKS[:1], written, rules or CurveRules(), merged=False)


def test_names_and_axes() -> None:
    """The names of keys, with the artifact's in front if something else has one of these."""
    curves = _expect(
        loss=[0.5, 0.25],
        first={"loss": [2.0, 1.0], "f1": [0.1, 0.2]},
        rows=[{"epoch": 1, "lr": 0.1}, {"epoch": 2}],
        evals={"train": {"rmse": [2.0, 1.0]}},
        layers=[64, 32],
    )

    assert curves.axes == {
        "loss": "loss/index",
        "first/loss": "first/index",
        "f1": "first/index",
        "lr": "epoch",
        "train/rmse": "evals/index",
        "layers": "layers/index",
    }
    assert curves.replaced == {"loss", "first", "rows", "evals"}
    assert "layers" not in curves.last
    assert (curves.history[0, "lr"], curves.history[0, "epoch"]) == (0.1, 1)
    assert (1, "lr") not in curves.history


def test_rules() -> None:
    """Settings and foreachs decide which artifacts have charts."""
    assert _expect(CurveRules(setting=False), a=[0.5, 1.5]).axes == {}
    assert _expect(CurveRules(("a*",)), a=[0.5, 1.5], b=[0.5, 1.5]).axes == {"a": "a/index"}
    assert _expect(CurveRules(iterated=frozenset({"a"})), a=[0.5, 1.5]).axes == {}


def test_several_tasks() -> None:
    """Each has its charts."""
    written = {"a": [_written(0, [0.5, 1.5]), _written(1, [0.5, 2.5], need=Need.ALLOWED)]}

    curves = expect_curves(TASKS, written, CurveRules(), merged=True)

    assert curves.axes == {f"a/{TASKS[0].label}": "a/index"}
    assert f"a/{TASKS[1].label}" in curves.open_keys


def test_tables_may_have_the_same_columns() -> None:
    """Then the charts have other names."""
    written = {
        "a": [_written(0, {"loss": [0.5, 1.5]})],
        "table": [_written(0, "no value", shape="parquet")],
    }

    curves = expect_curves(TASKS[:1], written, CurveRules(), merged=False)

    assert curves.has_tables
    assert curves.other_names == {"loss": "a/loss"}


def test_axis_and_exactness() -> None:
    """As in the rules of the mapping."""
    assert find_axis({"epoch": [0, 0], "step": [1, 2], "x": [1, 2]}) == "step"
    assert find_axis({"epoch": [1, None], "x": [1, 2]}) is None
    assert find_axis({"epoch": [2, 1], "x": [1, 2]}) is None
    assert keeps_value({"": [1, 2]})
    assert not keeps_value({"": [1, 2.5]})
    assert keeps_value({"a": [2**60, 1.5]})
    assert read_columns([{"a": 1}, {"a": None}]) is None
    assert read_columns({"a": [1, 2], "b": [1]}) is None
