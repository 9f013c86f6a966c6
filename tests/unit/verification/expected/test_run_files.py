"""Which files the artifacts of a W&B run should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest

from mfwb.config import StepSettings
from mfwb.verification.expected.facts import FlowRunFacts, HeldArtifact, TaskFacts
from mfwb.verification.expected.kinds import KINDS, Destination
from mfwb.verification.expected.run_files import StoredFile, expect_artifacts, expect_included
from mfwb.verification.expected.value_reader import PickledValue

if TYPE_CHECKING:
    from mfwb.verification.expected.contents import Contents


class _Described:
    """Contents of which only the description counts."""

    def __init__(self, value: PickledValue) -> None:
        self._value = value

    def describe(self, _artifact: HeldArtifact) -> PickledValue:
        return self._value

    @staticmethod
    def lost(_artifact: HeldArtifact) -> None:
        return None

    @staticmethod
    def md5(_artifact: HeldArtifact) -> str:
        return "md5"


def _contents(value: PickledValue) -> Contents:
    return cast("Contents", _Described(value))


def test_a_container_that_was_not_read() -> None:
    """It may be values, tables, or something else: each of these forms is right."""
    held = HeldArtifact("x", "0" * 40, 2_000_000, "list", "pickle-v4")
    task = TaskFacts("F/1/fit/1", "ok", (), {"x": held})
    stored = StoredFile(task, held, Destination(KINDS, "container"), task.path)

    [found] = expect_artifacts(
        {"x": [stored]}, StepSettings(), _contents(PickledValue()), merged=False
    )

    options: list[Mapping[str, object]] = list(found.folders[0].options)
    assert [[*option] for option in options] == [
        ["x/*"],
        ["x/*", "x.pkl"],
        ["x.json"],
        ["x.pkl"],
    ]


@pytest.mark.parametrize(("is_nothing", "number"), [(True, 0), (False, 1)])
def test_a_file_that_was_not_given(is_nothing: bool, number: int) -> None:  # noqa: FBT001 - a parameter of the test
    """An IncludeFile that is not required, and is None, is no artifact."""
    held = HeldArtifact("words", "0" * 40, 4, "NoneType", "pickle-v4")
    facts = FlowRunFacts(
        flow="F",
        id="1",
        user=None,
        started_at=0,
        state="finished",
        tags=frozenset(),
        system_tags=frozenset(),
        parameters={"words": held},
        kinds={"words": "IncludeFile"},
        start_step="start",
        end_step="end",
        steps={},
        step_types={},
        sources={},
        code=None,
        datastore=None,
    )

    contents = _contents(PickledValue("d", is_nothing=is_nothing))
    assert len(list(expect_included(facts, StepSettings(), contents))) == number
