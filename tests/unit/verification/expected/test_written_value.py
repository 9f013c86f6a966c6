"""What the summary says of what one task wrote."""

from __future__ import annotations

import pytest

from mfwb.verification.expected.kinds import ExpectedForm
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.value_reader import PickledValue
from mfwb.verification.expected.written_value import WrittenValue
from tests.unit.verification.expected.facts_of_tasks import held, task

_VALUE = ExpectedForm((), "value", shown=True)
_FILE = ExpectedForm(("other",), "pickle", shown=False)
_CAUGHT = "metaflow.exception.MetaflowExceptionWrapper"


def written(
    form: ExpectedForm,
    kind: str = "int",
    value: PickledValue = PickledValue(digest="d", json_value=3, size=1),  # noqa: B008 - it is frozen
    exception: tuple[str, str, str | None] | None = None,
    need: Need = Need.REQUIRED,
) -> WrittenValue:
    """Return what a task wrote."""
    return WrittenValue(task("train", exception=exception), held("x", kind=kind), value, form, need)


def test_a_value() -> None:
    """The summary has it."""
    item = written(_VALUE)

    assert item.is_value
    assert item.summary_value == 3
    assert item.is_certain


def test_a_file() -> None:
    """The summary has its type, if it has anything."""
    item = written(_FILE, kind="builtins.object")

    assert not item.is_value
    assert item.summary_value == "<builtins.object>"
    assert not item.is_caught


def test_a_file_of_an_unknown_type() -> None:
    """Metaflow may not have recorded it."""
    assert written(_FILE, kind="").summary_value == "<of a type that was not recorded>"


def test_a_caught_exception() -> None:
    """It is shown as text."""
    item = written(_FILE, kind=_CAUGHT, exception=("builtins.ValueError", "no", None))

    assert item.is_caught
    assert item.summary_value == "builtins.ValueError: no"


@pytest.mark.parametrize(
    "item",
    [
        written(ExpectedForm(("other",), "pickle", shown=None)),
        written(_VALUE, need=Need.ALLOWED),
        written(_VALUE, value=PickledValue(reason="it can't be loaded")),
    ],
)
def test_what_is_not_certain(item: WrittenValue) -> None:
    """A form, a need or a value that is not known."""
    assert not item.is_certain
