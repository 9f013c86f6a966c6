"""What a W&B run should say of the values of its tasks."""

from __future__ import annotations

from mfwb.verification.expected.facts import HeldArtifact, TaskFacts
from mfwb.verification.expected.kinds import Destination
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.run_values import WrittenValue, expect_values
from mfwb.verification.expected.value_reader import PickledValue

_TABLE = Destination(("dataset",), "parquet")
_VALUE = Destination((), "value", shown=True)


def _task(place: int) -> TaskFacts:
    return TaskFacts(f"F/1/fit/{place}", "ok", (), {}, indexes=(place,))


def _number(task: TaskFacts, number: int) -> WrittenValue:
    held = HeldArtifact("x", f"{number:040x}", 5, "int", "pickle-v4")
    value = PickledValue("d", frozenset(), words=number, size=1, number=number)
    return WrittenValue(task, held, value, _VALUE, Need.REQUIRED)


def _table(task: TaskFacts) -> WrittenValue:
    held = HeldArtifact("x", "f" * 40, 5, "pandas.DataFrame", "pickle-v4")
    return WrittenValue(task, held, PickledValue("d"), _TABLE, Need.REQUIRED)


def test_tables_beside_numbers_are_no_points() -> None:
    """The summary has an item of each task, and the chart has the numbers."""
    tasks = [_task(0), _task(1), _task(2)]
    written = {"x": [_number(tasks[0], 7), _table(tasks[1]), _number(tasks[2], 9)]}

    found = expect_values(tasks, written, merged=True)

    assert found.summary["x"].options == ([7, "<pandas.DataFrame>", 9],)
    points = {row: number for (row, key), number in found.history.items() if key == "tasks/x"}
    assert points == {0: 7, 2: 9}
