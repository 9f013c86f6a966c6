"""What rules give, once the values that decide are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mfwb.outcome import RuleOutcome
from mfwb.payload.artifact_rules import apply_rules
from mfwb.planning import ArtifactRule, PlannedValue
from mfwb.ports import AppliedRule
from tests.unit.payload.memory import MemoryContents, gone, planned_run, row

_ALIAS = ("good",)
_LINK = "wandb-registry-model/wines"
_NEITHER = f"no alias good and no link to {_LINK}"


def _apply(
    *tasks: Mapping[str, Any],
    when: str | None = None,
    metadata: tuple[str, ...] = (),
    parameters: Mapping[str, Any] = {},
    is_lost: bool = False,
) -> AppliedRule:
    """Return what a rule gives to an artifact of some tasks, which have these values."""
    contents = MemoryContents()
    rows = [row(position) for position in range(len(tasks))]
    names = dict.fromkeys(name for values in tasks for name in values)
    planned = tuple(
        PlannedValue(
            name,
            tuple(
                gone(name, one_row.pathspec)
                if is_lost
                else contents.add(values[name], name, one_row.pathspec)
                for one_row, values in zip(rows, tasks, strict=True)
                if name in values
            ),
        )
        for name in names
    )
    paths = tuple((one_row.pathspec,) for one_row in rows)
    rule = ArtifactRule(
        "model", "model", _ALIAS, _LINK, when, metadata, paths, planned, dict(parameters)
    )
    run = planned_run(tasks=rows if len(rows) > 1 else ())
    return apply_rules(replace(run, artifact_rules=(rule,)), contents)["model"]


def test_a_rule_without_a_condition_always_applies() -> None:
    """Metadata is written whether the condition holds or not."""
    applied = _apply({"accuracy": 0.5, "report": {"f1": 0.25}}, metadata=("accuracy", "report.f1"))
    assert applied == AppliedRule(
        RuleOutcome(_ALIAS, _LINK, ("accuracy", "report.f1")),
        {"accuracy": 0.5, "report.f1": 0.25},
    )
    not_good = _apply({"accuracy": 0.5}, when="accuracy > 0.9", metadata=("accuracy",))
    assert not_good.metadata == {"accuracy": 0.5}
    assert (not_good.outcome.aliases, not_good.outcome.link) == ((), None)


def test_values_come_before_parameters() -> None:
    """A task's own value hides the parameter of its name."""
    applied = _apply(
        {"rate": 0.5},
        when="rate == 0.5 and epochs == 3",
        metadata=("rate", "epochs"),
        parameters={"rate": 0.1, "epochs": 3},
    )
    assert applied.outcome.aliases == _ALIAS
    assert applied.metadata == {"rate": 0.5, "epochs": 3}


def test_a_condition_has_to_hold_for_every_task_whose_content_it_is() -> None:
    """Metadata is then what the summary shows of many tasks."""
    good = _apply({"accuracy": 0.95}, {"accuracy": 0.91}, when="accuracy > 0.9")
    bad = _apply(
        {"accuracy": 0.95, "kind": "a"},
        {"accuracy": 0.5, "kind": "a"},
        when="accuracy > 0.9",
        metadata=("accuracy", "kind"),
    )
    assert good.outcome == RuleOutcome(_ALIAS, _LINK)
    assert bad.outcome.notes == (
        f"{_NEITHER}: `accuracy > 0.9` does not hold for 1 of 2 tasks, as train/5",
    )
    assert bad.metadata == {"accuracy": {"min": 0.5, "max": 0.95, "mean": 0.725}, "kind": "a"}


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("loss < 1", "needs the value loss, which is missing"),
        ("accuracy < 'x'", "has no result (0.5 can't be compared with 'x')"),
        ("accuracy > 1", "does not hold"),
    ],
)
def test_a_rule_that_does_not_apply_says_why(when: str, reason: str) -> None:
    """It is a note, with the task."""
    applied = _apply({"accuracy": 0.5}, when=when)
    note = f"{_NEITHER}: `{when}` {reason} for train/4"
    assert applied.outcome == RuleOutcome(notes=(note,))


def test_a_value_that_can_not_be_read_is_missing() -> None:
    """Its bytes are gone; that is a loss of the value, and a note here."""
    applied = _apply({"accuracy": 0.5}, when="accuracy > 0", metadata=("accuracy",), is_lost=True)
    assert applied.outcome.notes == (
        (f"{_NEITHER}: `accuracy > 0` needs the value accuracy, which is missing for train/4"),
        "no metadata accuracy: the step has no such value",
    )


def test_metadata_is_json_and_short() -> None:
    """NaN is a text; W&B shows metadata with every version."""
    applied = _apply(
        {"loss": float("nan"), "long": "x" * 20_000, "metaflow": 1},
        metadata=("loss", "long", "metaflow"),
    )
    assert applied.metadata == {"loss": "NaN", "metaflow_": 1}
    assert applied.outcome.metadata == ("loss", "metaflow_")
    assert applied.outcome.notes == ("no metadata long: 20,002 characters, too many for metadata",)
