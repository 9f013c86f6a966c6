"""What the summary, the history and the table of tasks should have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.kinds import ExpectedForm
from mfwb.verification.expected.model import Need, Statistics
from mfwb.verification.expected.run_curves import CurveRules
from mfwb.verification.expected.run_values import RunValues, expect_values
from mfwb.verification.expected.value_reader import PickledValue
from mfwb.verification.expected.written_value import WrittenValue
from tests.unit.verification.expected.facts_of_tasks import held, task

TASKS = [task("fit", f"{n}", indexes=(n,)) for n in range(2)]


def _written(item: TaskFacts, value: Any, *, need: Need = Need.REQUIRED) -> WrittenValue:
    number = value if isinstance(value, (int, float)) else None
    pickled = PickledValue("d", frozenset(), json_value=value, size=1, number=number)
    return WrittenValue(item, held("x"), pickled, ExpectedForm((), "value"), need)


def _expect(values: Sequence[Any], *, need: Need = Need.REQUIRED) -> RunValues:
    tasks = TASKS[: len(values)]
    items = [_written(item, value, need=need) for item, value in zip(tasks, values, strict=True)]
    return expect_values(tasks, {"x": items}, CurveRules(), merged=len(values) > 1)


def test_numbers_of_several_tasks() -> None:
    """They are statistics in the summary, and a row of the history for each task."""
    values = _expect([1, 4])

    assert values.summary["x"].options == (Statistics(1, 4, 2.5),)
    assert values.history == {
        (0, "tasks/index"): 0,
        (0, "tasks/seconds"): 2.0,
        (0, "tasks/x"): 1,
        (1, "tasks/index"): 1,
        (1, "tasks/seconds"): 2.0,
        (1, "tasks/x"): 4,
    }


def test_the_mean_of_large_integers_is_exact() -> None:
    """A mean beyond 2**53 is an integer, as no float is near enough."""
    [option] = _expect([2**60, 2**60 + 2]).summary["x"].options

    assert option.mean == 2**60 + 1


@pytest.mark.parametrize(
    ("values", "options"),
    [(["a", "a"], ("a",)), (["a", "b"], (["a", "b"],)), ([None, None], ("None",))],
)
def test_other_values_of_several_tasks(values: list[Any], options: tuple[Any, ...]) -> None:
    """Equal values are one value, different ones are a list."""
    assert _expect(values).summary["x"].options == options


def test_a_single_task() -> None:
    """Its value is the summary's, and a number is a point of the history."""
    values = _expect([7])

    assert values.summary["x"].options == (7,)
    assert values.history == {(0, "x"): 7}
    assert values.table is None


def test_what_is_not_certain_is_open() -> None:
    """A value that perhaps counts as written is not compared."""
    values = _expect([1, 4], need=Need.ALLOWED)

    assert (values.summary, values.open_keys) == ({}, {"x"})


def test_the_table_has_the_values_by_task() -> None:
    """Each task is a row, with its own cells and its values."""
    table = _expect(["a", "b"]).table

    assert table is not None
    assert table.rows == (("0", "F/1/fit/0", "ok", 2.0), ("1", "F/1/fit/1", "ok", 2.0))
    assert table.columns == {"x": {"F/1/fit/0": "a", "F/1/fit/1": "b"}}


def test_tables_beside_numbers_are_no_points() -> None:
    """The summary has an item for each task, and the chart has the numbers alone."""
    number, table = _written(TASKS[0], 7), held("x", "f", kind="pandas.DataFrame")
    form = ExpectedForm(("dataset",), "parquet")
    other = WrittenValue(TASKS[1], table, PickledValue("d"), form, Need.REQUIRED)

    result = expect_values(TASKS, {"x": [number, other]}, CurveRules(), merged=True)

    assert result.summary["x"].options == ([7, "<pandas.DataFrame>"],)
    points = {row: value for (row, key), value in result.history.items() if key == "tasks/x"}
    assert points == {0: 7}
