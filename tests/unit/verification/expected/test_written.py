"""The artifacts that tasks wrote, and their producers."""

from __future__ import annotations

import pytest

from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.step_code import StepCode
from mfwb.verification.expected.value_reader import ValueReader, new_value_process
from mfwb.verification.expected.written import History
from tests.unit.verification.expected.facts_of_tasks import flow_run, held, task


def _history(facts: FlowRunFacts, **code: StepCode) -> History:
    values = ValueReader(new_value_process())
    contents = Contents(facts, values, lambda _datastore: pytest.fail("nothing is stored"))
    return History(facts, contents, code)


FAN = [
    task("start", next_steps=("fit",), foreach="xs", held={"x": held("x", "a")}),
    task("fit", "0", next_steps=("join",), indexes=(0,), held={"x": held("x", "a")}),
    task("fit", "1", next_steps=("join",), indexes=(1,), held={"x": held("x", "b")}),
    task("join", held={"x": held("x", "b")}),
]


def test_producers() -> None:
    """An artifact that passes through a task keeps its producer; another content is new."""
    history = _history(flow_run(*FAN))

    assert [history.is_new(item, "x") for item in FAN] == [True, False, True, False]
    assert history.producers(FAN[1], "x") == {"F/1/start/0"}
    assert history.producers(FAN[3], "x") == {"F/1/fit/1"}


def test_equal_content_of_several_tasks_has_several_producers() -> None:
    """A join has what each of its parents wrote."""
    fan = [
        FAN[0],
        *(
            task("fit", f"{n}", next_steps=("join",), indexes=(n,), held={"y": held("y", "c")})
            for n in range(2)
        ),
        task("join", held={"y": held("y", "c")}),
    ]

    assert _history(flow_run(*fan)).producers(fan[3], "y") == {"F/1/fit/0", "F/1/fit/1"}


@pytest.mark.parametrize(
    ("code", "need"),
    [
        (StepCode(stores=frozenset({"x"})), Need.REQUIRED),
        (StepCode(is_certain=False), Need.REQUIRED),
        (StepCode(), Need.ALLOWED),
    ],
)
def test_a_value_that_equals_the_inherited_one(code: StepCode, need: Need) -> None:
    """The code of the step decides whether it surely counts as written."""
    history = _history(flow_run(*FAN), fit=code)

    assert history.values_written(FAN[1:3], "x") == {
        "F/1/fit/0": need,
        "F/1/fit/1": Need.REQUIRED,
    }


def test_a_join_that_chose() -> None:
    """A join whose inputs differ has chosen one of them, so that it wrote the value."""
    assert _history(flow_run(*FAN)).values_written(FAN[3:], "x") == {"F/1/join/0": Need.REQUIRED}
