"""The artifacts that a W&B run should use."""

from __future__ import annotations

import pytest

from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.loggers import Loggers
from mfwb.verification.expected.model import ExpectedUse, Need
from mfwb.verification.expected.run_uses import expect_uses
from mfwb.verification.expected.step_code import StepCode
from mfwb.verification.expected.value_reader import ValueReader, new_value_process
from mfwb.verification.expected.written import History
from tests.unit.verification.expected.facts_of_tasks import flow_run, held, task

START = task("start", next_steps=("left", "right"), held={"x": held("x", "a")})
LEFT = task("left", next_steps=("join",), held={"x": held("x", "a"), "y": held("y", "b")})
RIGHT = task("right", next_steps=("join",), held={"x": held("x", "a"), "y": held("y", "c")})
JOIN = task("join")
FACTS = flow_run(START, LEFT, RIGHT, JOIN, kinds={"table": "IncludeFile"})
RUN_OF = {item.path: item.step for item in FACTS.tasks}
LEFT_RUN, RIGHT_RUN, START_RUN = (frozenset({name}) for name in ("left", "right", "start"))


def _uses(step: str, code: StepCode | None, *, is_file: bool = True) -> dict[str, ExpectedUse]:
    values = ValueReader(new_value_process())
    contents = Contents(FACTS, values, lambda _datastore: pytest.fail("nothing is stored"))
    history = History(FACTS, contents, {})
    tasks = FACTS.steps[step]
    loggers = Loggers(FACTS, history, (), lambda _task, _name: Need.REQUIRED)
    uses = expect_uses(FACTS, tasks, code, history, loggers, RUN_OF, lambda _task, _name: is_file)
    return {use.artifact: use for use in uses}


def test_a_read_is_required() -> None:
    """What the code loads has to be used from its producer; what it does not load may be used."""
    uses = _uses("left", StepCode(loads=frozenset({"x"})))

    assert uses["x"] == ExpectedUse("x", (START_RUN,), START_RUN)
    assert uses["table"] == ExpectedUse("table", (), START_RUN)
    assert _uses("left", StepCode())["x"] == ExpectedUse("x", (), START_RUN)
    assert _uses("left", None)["x"] == ExpectedUse("x", (), START_RUN)


def test_what_is_no_file_is_not_required() -> None:
    """A value of the summary can't be used, so that no edge is missing."""
    uses = _uses("left", StepCode(loads=frozenset({"x"})), is_file=False)

    assert uses["x"] == ExpectedUse("x", (), START_RUN)


def test_an_included_file_that_is_read() -> None:
    """It is used from the first step."""
    assert _uses("left", StepCode(loads=frozenset({"table"})))["table"].required == (START_RUN,)


@pytest.mark.parametrize(
    ("code", "required"),
    [
        (
            StepCode(input_loads=frozenset({"y"}), from_all_inputs=frozenset({"y"})),
            (LEFT_RUN, RIGHT_RUN),
        ),
        (StepCode(input_loads=frozenset({"y"})), (LEFT_RUN | RIGHT_RUN,)),
        (StepCode(), ()),
    ],
)
def test_inputs_of_a_join(code: StepCode, required: tuple[frozenset[str], ...]) -> None:
    """A loop reads all inputs; a single read is of any of them."""
    assert _uses("join", code)["y"] == ExpectedUse("y", required, LEFT_RUN | RIGHT_RUN)
