"""Facts and values with marks in place of secrets."""

from __future__ import annotations

from mfwb.redaction import Masker
from mfwb.verification.expected.masked import mask_facts, mask_pickled
from mfwb.verification.expected.value_reader import PickledValue
from tests.unit.verification.expected.facts_of_tasks import flow_run, task

_SECRET = "ghp_" + "aB3dE6gH9j" * 3 + "kLmN12"


def test_facts() -> None:
    """Tags, docstrings, metadata and exceptions of tasks have no secret."""
    facts = flow_run(
        task(
            "start",
            metadata={"origin": f"https://me:{_SECRET}@example.com", "plain": "same"},
            exception=("ValueError", f"bad {_SECRET}", None),
            earlier={0: f"first {_SECRET}"},
        ),
        tags=frozenset({_SECRET, "fine"}),
        system_tags=frozenset({"user:me"}),
        graph={"doc": f"uses {_SECRET}", "steps": {"start": {"doc": _SECRET, "type": "start"}}},
    )

    masked = mask_facts(facts, Masker())

    assert _SECRET not in repr(masked)
    assert masked.tags == {"***", "fine"}
    assert masked.graph == {
        "doc": "uses ***",
        "steps": {"start": {"doc": "***", "type": "start"}},
    }
    [only] = masked.steps["start"]
    assert only.metadata["plain"] == "same"
    assert only.exception == ("ValueError", "bad ***", None)
    assert only.earlier == {0: "first ***"}


def test_switched_off() -> None:
    """Then the facts are as they were."""
    facts = flow_run(task("start"), tags=frozenset({_SECRET}))

    assert mask_facts(facts, Masker(enabled=False)) is facts


def test_a_value_with_a_secret() -> None:
    """It is no number and no curve any more; its digest stays, since files keep their bytes."""
    value = PickledValue(digest="d", json_value=42, number=42)

    masked = mask_pickled("password", value, Masker())

    assert (masked.json_value, masked.number, masked.columns) == ("***", None, None)
    assert masked.digest == "d"


def test_a_value_without_a_secret() -> None:
    """It is the same one."""
    value = PickledValue(json_value=42, number=42)

    assert mask_pickled("count", value, Masker()) is value
