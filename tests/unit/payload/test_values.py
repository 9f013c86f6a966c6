"""Values of tasks in summary, history and table."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from mfwb.conversion import curve_shapes, json_safe, plain_values
from mfwb.conversion.instances import VALUES
from mfwb.errors import ItemLost
from mfwb.payload import values as decoding
from mfwb.payload.curves import draw_curves
from mfwb.payload.history import build_axes, build_history
from mfwb.payload.inspections import Inspections
from mfwb.payload.summary import limit_summary, summarize
from mfwb.payload.task_table import build_task_table
from mfwb.payload.values import Values, add_elsewhere_texts, decode, decode_values
from mfwb.pickles.allowlist import PLAIN
from mfwb.planning import Content, PlannedRun, TaskRow, ValueElsewhere
from mfwb.planning.classify import _PLAIN_NAMES
from mfwb.snapshot import Loss
from tests.unit.payload.memory import TASK, MemoryContents, gone, planned_run, row


def single(**values: Any) -> tuple[PlannedRun, Values]:
    """Return a W&B run of one task with these values."""
    contents = MemoryContents()
    run = planned_run(values={key: [contents.add(value, key)] for key, value in values.items()})
    decoded, losses = decode_values(run.values, Inspections(contents), run.unpickle)
    assert losses == []
    return run, decoded


def merged(tasks: Sequence[TaskRow], **values: Sequence[Any]) -> tuple[PlannedRun, Values]:
    """Return a W&B run of several tasks, with a value of each for every task; `...` for none."""
    contents = MemoryContents()
    planned = {
        key: [
            contents.add(value, key, task.pathspec)
            for task, value in zip(tasks, of_tasks, strict=True)
            if value is not ...
        ]
        for key, of_tasks in values.items()
    }
    run = planned_run(tasks=tasks, values=planned)
    decoded, losses = decode_values(run.values, Inspections(contents), run.unpickle)
    assert losses == []
    return run, decoded


def test_all_plain_names_are_allowed() -> None:
    """Whatever the plan takes for a plain value can be loaded."""
    assert [name for name in _PLAIN_NAMES if name not in VALUES] == []


def test_all_allowed_names_are_there() -> None:
    """Whatever is allowed for plain values exists."""
    assert all(find() is not None for find in PLAIN.values())


# --- one task -------------------------------------------------------------------------------


def test_summary_of_one_task() -> None:
    """Values of one task stand in the summary as they are."""
    run, values = single(
        a=1, b=2**70, c=[1.5, math.nan], d={"x": {2, 1}}, e=None, f="text", g=np.float32(0.5)
    )

    assert summarize(run, values) == {
        "a": 1,
        "b": str(2**70),
        "c": [1.5, "NaN"],
        "d": {"x": [1, 2]},
        "e": None,
        "f": "text",
        "g": 0.5,
    }


def history_of(run: PlannedRun, values: Values) -> tuple[tuple[int, dict[str, Any]], ...]:
    """Return the rows of numbers and curves."""
    return build_history(run, values, draw_curves(run, values))


def test_history_of_one_task() -> None:
    """Lists of numbers become curves; they share the steps, and end when they end."""
    run, values = single(
        loss=[0.5, math.nan, np.float64(0.1)],
        count=(1, 2**60),
        one=[1],
        flags=[True, False],
        mixed=[1, "x"],
        number=3,
        unordered={1, 2},
    )

    history = history_of(run, values)

    assert str(history) == str(
        (
            (0, {"count/index": 0, "count": 1, "loss/index": 0, "loss": 0.5, "number": 3}),
            (1, {"count/index": 1, "count": float(2**60), "loss/index": 1, "loss": math.nan}),
            (2, {"loss/index": 2, "loss": 0.1}),
        )
    )


def test_points_of_one_task() -> None:
    """A number is a point, which W&B draws a panel of; exactly, or it is in the summary alone."""
    run, values = single(
        score=np.float32(0.5),
        count=2**53,
        large=2**53 + 1,
        larger=10**400,
        lost=math.nan,
        most=math.inf,
        good=True,
        text="3",
        nothing=None,
    )

    assert history_of(run, values) == ((0, {"score": 0.5, "count": 2**53}),)
    assert history_of(*single(large=2**60, text="x")) == ()


def test_names_that_meet_where_one_moves_on() -> None:
    """Each number has a chart of its own: `seconds` moves on to `seconds_`, and that one, too."""
    [(_, first)] = history_of(*merged([row(0)], seconds=[1], seconds_=[2]))
    only = history_of(*single(**{"a/index": 1}, a=[5.0, 6.0]))

    assert first == {"tasks/index": 0, "tasks/seconds_": 1, "tasks/seconds__": 2}
    assert only[0] == (0, {"a/index": 0, "a": 5.0, "a/index_": 1})


def test_too_long_for_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list beyond the limit stays in the summary, but is not drawn."""
    monkeypatch.setattr(curve_shapes, "ROWS_LIMIT", 3)
    run, values = single(short=[1, 2, 3], long=[1, 2, 3, 4])

    assert [set(cells) for _, cells in history_of(run, values)] == [{"short", "short/index"}] * 3
    assert "long" not in draw_curves(run, values).replaced


def test_numbers_beyond_floats() -> None:
    """An int that no float can hold has no point in a chart: it is not infinite."""
    run, values = single(a=[10**400, 1, 2**64])

    assert history_of(run, values) == (
        (1, {"a/index": 1, "a": 1}),
        (2, {"a/index": 2, "a": 2.0**64}),
    )


def test_no_table_of_one_task() -> None:
    """One task by design needs no table."""
    assert build_task_table(*single(a=1)) is None


# --- many tasks -----------------------------------------------------------------------------


def test_summary_of_many_tasks() -> None:
    """Numbers stand in short; what all agree on stands once; the rest is listed by task."""
    run, values = merged(
        [row(0), row(1), row(2)],
        score=[0.5, 0.25, 0.75],
        count=[1, 2, 4],
        model=["tree", "tree", "tree"],
        name=["a", "b", "c"],
        mixed=[1, "x", None],
        flag=[True, False, True],
        some=[..., 5, ...],
        partly=[math.nan, 1.0, 3.0],
        never=[math.nan, math.nan, math.nan],
    )

    assert summarize(run, values) == {
        "score": {"min": 0.25, "max": 0.75, "mean": 0.5},
        "count": {"min": 1, "max": 4, "mean": 7 / 3},
        "model": "tree",
        "name": ["a", "b", "c"],
        "mixed": [1, "x", None],
        "flag": [True, False, True],
        "some": {"min": 5, "max": 5, "mean": 5.0},
        "partly": {"min": 1.0, "max": 3.0, "mean": 2.0},
        "never": {"min": "NaN", "max": "NaN", "mean": "NaN"},
    }


@pytest.mark.parametrize(
    ("numbers", "mean"),
    [
        ([math.inf, -math.inf], "NaN"),
        ([math.inf, 10**400], "Infinity"),
        ([10**400, 10**400], str(10**400)),
        ([2**64 - 1, 2**64 - 1], str(2**64 - 1)),
        ([1.7e308, 1.7e308], 1.7e308),
        ([2**53, 2**53 - 1], 2.0**53 - 0.5),
        ([10**400, 0.5], str(5 * 10**399)),
    ],
)
def test_means_beyond_floats(numbers: list[Any], mean: Any) -> None:
    """A mean is what it is, also of numbers that no float holds; NaN alone where there is none."""
    run, values = merged([row(0), row(1)], x=numbers)

    assert summarize(run, values)["x"]["mean"] == mean


def test_no_cell_is_another_number() -> None:
    """The table of tasks says each value as the summary does."""
    run, values = merged([row(0), row(1)], seed=[2**127 + 12345, 1], loss=[math.nan, 0.5])

    table = build_task_table(run, values)

    assert table is not None
    assert [item[-2:] for item in table.rows] == [(str(2**127 + 12345), "NaN"), (1, 0.5)]


def test_a_task_that_has_something_else() -> None:
    """What other tasks have must not look like what all have; their numbers are drawn all the same.

    As with `@catch(var="broke")`, which is None unless something was raised.
    """
    run, values = merged([row(0), row(1), row(2)], broke=[None, None, ...], n=[1, 2, ...])
    other = ValueElsewhere(Content(run.tasks[2].pathspec, "broke", "e", 1), "ValueError: no")
    planned = [replace(value, elsewhere=(other,)) for value in run.values]
    shown = add_elsewhere_texts(planned, values)
    table = build_task_table(run, shown)

    assert summarize(run, shown) == {
        "broke": [None, None, "ValueError: no"],
        "n": [1, 2, "ValueError: no"],
    }
    assert table is not None
    assert [cells[4:] for cells in table.rows] == [(None, 1), (None, 2), ("ValueError: no",) * 2]
    assert [cells.get("tasks/n") for _, cells in build_history(run, values)] == [1, 2, None]


def test_much_of_many_tasks() -> None:
    """What is too large as a list is left to the table, and the summary says so."""
    run, values = merged([row(0), row(1)], text=["a" * 60_000, "b" * 60_000])

    assert summarize(run, values) == {"text": {"tasks": 2, "see": "table tasks"}}


def test_history_of_many_tasks() -> None:
    """A row for each task holds its numbers; curves of the tasks share the steps with them."""
    run, values = merged(
        [row(0, seconds=1.5), row(1)],
        score=[0.5, 0.25],
        loss=[[3, 2, 1], [6, 5]],
        some=[..., 7],
        index=[8, 9],
        mixed=[1, "x"],
    )

    assert history_of(run, values) == (
        (
            0,
            {
                "tasks/index": 0,
                "tasks/seconds": 1.5,
                "tasks/score": 0.5,
                "tasks/index_": 8,
                "loss/index": 0,
                "loss/0": 3,
                "loss/1": 6,
            },
        ),
        (
            1,
            {
                "tasks/index": 1,
                "tasks/score": 0.25,
                "tasks/some": 7,
                "tasks/index_": 9,
                "loss/index": 1,
                "loss/0": 2,
                "loss/1": 5,
            },
        ),
        (2, {"loss/index": 2, "loss/0": 1}),
    )
    axes = {axis.chart: axis.axis for axis in build_axes(history_of(run, values))}
    assert axes == dict.fromkeys(
        ("tasks/seconds", "tasks/score", "tasks/index_", "tasks/some"), "tasks/index"
    )


def test_curves_of_too_many_tasks() -> None:
    """Curves of more than fifty tasks are not drawn, their numbers are."""
    tasks = [row(location) for location in range(51)]
    run, values = merged(tasks, loss=[[1, 2]] * 51, score=[1] * 51)

    assert history_of(run, values)[50] == (50, {"tasks/index": 50, "tasks/score": 1})
    assert draw_curves(run, values).replaced == frozenset()
    assert "loss/0" in history_of(*merged(tasks[:50], loss=[[1, 2]] * 50))[0][1]


def test_history_is_in_order() -> None:
    """Rows ascend, in whatever order the tasks are."""
    run, values = merged([row(2), row(0), row(1)], score=[2, 0, 1])

    assert [(step, cells["tasks/score"]) for step, cells in build_history(run, values)] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_table_of_tasks() -> None:
    """A row for each task: what it was, and what it has; containers as JSON text."""
    run, values = merged(
        [row(0, seconds=1.5), row(1, failure="ValueError: bad")],
        score=[0.5, ...],
        data=[{"a": {1}}, [1, math.nan]],
        state=["mine", None],
        price=[Decimal("1.5"), True],
    )

    table = build_task_table(run, values)

    assert table is not None
    assert table.columns == (
        *("index", "task", "state", "seconds", "exception"),
        *("score", "data", "state_", "price"),
    )
    assert table.rows == (
        ("0", "Flow/1/train/4", "ok", 1.5, None, 0.5, '{"a": [1]}', "mine", "1.5"),
        ("1", "Flow/1/train/5", "failed", None, "ValueError: bad", None, '[1, "NaN"]', None, True),
    )


def test_table_without_failures() -> None:
    """The column for exceptions is there only if there is one."""
    table = build_task_table(*merged([row(0)], score=[1]))

    assert table is not None
    assert table.columns == ("index", "task", "state", "seconds", "score")


# --- what can't be had ----------------------------------------------------------------------


def test_losses() -> None:
    """A value that can't be had is lost with its reason; the others are there."""
    contents = MemoryContents()
    run = planned_run(
        values={
            "good": [contents.add(1, "good")],
            "gone": [gone("gone")],
            "damaged": [contents.add_bytes(b"\x80\x04.", "damaged")],
            "foreign": [contents.add([np.zeros(1)], "foreign")],
        }
    )

    values, losses = decode_values(run.values, Inspections(contents), run.unpickle)

    assert list(values) == ["good"]
    assert [loss.item for loss in losses] == [
        f"{TASK}/{name}" for name in ("gone", "damaged", "foreign")
    ]
    assert losses[0] == Loss(f"{TASK}/gone", "its bytes can't be read")
    assert losses[1].reason.startswith("its pickle can't be read (")
    assert "_reconstruct" in losses[2].reason


def test_not_enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that does not fit into memory is lost with that reason."""

    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(plain_values, "to_json", no_memory)
    contents = MemoryContents()

    values, losses = decode_values(
        planned_run(values={"x": [contents.add(1)]}).values, Inspections(contents)
    )

    assert values == {}
    assert losses == [Loss(f"{TASK}/x", "there is not enough memory for it")]


def test_equal_bytes_are_decoded_once() -> None:
    """Tasks that wrote the same share what was read."""
    tasks = [row(location) for location in range(100)]
    _, values = merged(tasks, x=[{"same": 1}] * 100)

    assert len({id(value) for value in values["x"].values()}) == 1


def test_more_than_a_wandb_run_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values beyond the total are lost; equal bytes count once."""
    monkeypatch.setattr(decoding, "TOTAL_LIMIT", 60)
    contents = MemoryContents()
    texts = ["a" * 20, "a" * 20, "b" * 20]
    tasks = [row(location) for location in range(3)]
    planned = [
        contents.add(text, "x", task.pathspec) for task, text in zip(tasks, texts, strict=True)
    ]

    values, losses = decode_values(
        planned_run(tasks=tasks, values={"x": planned}).values, Inspections(contents)
    )

    assert list(values["x"]) == ["Flow/1/train/4", "Flow/1/train/5"]
    assert [loss.item for loss in losses] == ["Flow/1/train/6/x"]


def test_limit_of_the_summary() -> None:
    """The largest values go first, until the rest fits beside what is there already."""
    summary = {"a": "x" * 100, "b": 1, "c": "x" * 50}
    size = len(json.dumps(summary))

    assert limit_summary(summary, beside=0, limit=size) == (summary, {})
    assert limit_summary(summary, beside=0, limit=90) == ({"b": 1, "c": "x" * 50}, {"a": 109})
    assert limit_summary(summary, beside=50, limit=90) == ({"b": 1}, {"a": 109, "c": 59})


@pytest.mark.parametrize("protocol", [2, 4])
def test_protocols(protocol: int) -> None:
    """Both protocols of Metaflow give the same values."""
    contents = MemoryContents()
    value = {"set": {1}, "bytes": b"\xff", "empty": b"", "big": 2**70, "np": np.int8(1)}
    content = contents.add(value, protocol=protocol)

    assert decode(contents.blobs[content.sha1]).json == {
        "set": [1],
        "bytes": {"_type": "bytes", "base64": "/w=="},
        "empty": {"_type": "bytes", "base64": ""},
        "big": 2**70,
        "np": 1,
    }


@pytest.mark.parametrize("length", [0, 1, 5, 20, -1])
def test_truncated(length: int) -> None:
    """A pickle that ends too early is lost with a reason."""
    data = pickle.dumps({"a": [1, 2, 3], "b": {"c"}})

    with pytest.raises(ItemLost, match="its pickle can't be read"):
        decode(data[:length])


def test_recursion() -> None:
    """A list that contains itself is lost with a reason."""
    endless: list[Any] = [1]
    endless.append(endless)

    with pytest.raises(ItemLost, match="it contains itself"):
        decode(pickle.dumps(endless))


def test_few_bytes_that_say_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of lists of one and the same list, and so on, is not written out."""
    monkeypatch.setattr(json_safe, "SIZE_LIMIT", 100_000)
    laughs: list[Any] = ["lol"]
    for _ in range(12):
        laughs = [laughs] * 10

    with pytest.raises(ItemLost, match="larger than"):
        decode(pickle.dumps(laughs))


def test_a_short_pickle_is_no_long_value() -> None:
    """A hundred bytes that spell out a million characters are lost before they cost much."""
    laughs: list[Any] = []
    for _ in range(4):
        laughs = [laughs] * 22

    with pytest.raises(ItemLost, match="larger than 1 MB"):
        decode(pickle.dumps(laughs))
