"""What the rules of the settings gave to artifacts, in W&B and as it should be."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.verification.compare_rules import compare_rules
from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedFile,
    ExpectedFlowRun,
    ExpectedFolder,
    ExpectedRule,
    ExpectedRun,
    ExpectedValue,
)
from mfwb.verification.findings import Findings
from mfwb.verification.recorded import RecordedArtifact, RecordedFlowRun, RecordedRun

_HELD = HeldArtifact("model", "0" * 40, 3, "sklearn.X", "pickle-v4")
_RULE = ExpectedRule(aliases=frozenset({"best"}), metadata={"accuracy": ExpectedValue((0.9,))})


def _version(number: int, *aliases: str, **fields: Any) -> RecordedArtifact:
    values: dict[str, Any] = {
        "metadata": {"accuracy": 0.9},
        "producer": "fit",
        **fields,
    }
    return RecordedArtifact(
        f"model:v{number}",
        "model",
        "model",
        f"v{number}",
        str(number),
        frozenset(aliases),
        {},
        **values,
    )


def found(
    version: RecordedArtifact,
    *holders: RecordedArtifact,
    rule: ExpectedRule = _RULE,
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return items and causes of differences, and what is left open.

    Args:
        version: that the W&B run logged.
        holders: the versions with the rule's alias.
        rule: what the rules should give.
    """
    folder = ExpectedFolder("", "F/8/fit/1", _HELD, "pickle", ({"model.pkl": ExpectedFile(3)},))
    artifact = ExpectedArtifact("model", ("model",), ("model",), (folder,), rule=rule)
    own = ExpectedRun(
        name="F/8/fit",
        group="F/8",
        job_type="fit",
        tags=frozenset(),
        state="finished",
        config={},
        facts={},
        summary={},
        outcome={},
        history={},
        table=None,
        cards=(),
        log=(),
        artifacts=(artifact,),
        uses=(),
    )
    actual = RecordedRun(
        id="fit",
        name="F/8/fit",
        group="F/8",
        job_type="fit",
        state="finished",
        tags=frozenset(),
        notes="",
        config={},
        summary={},
        history={},
        log=None,
        files={},
        logged=(version,),
        used=(),
    )
    expected = ExpectedFlowRun("F/8", "finished", 1000, "run-8", (own,), {}, frozenset(), {})
    recorded = RecordedFlowRun(
        "F/8", [actual], {("model", "best"): list(holders)}, (), has_project=True
    )
    findings = Findings()
    compare_rules(expected, recorded, {own.name: (own, actual)}, findings)
    return [(item.item, item.cause) for item in findings.differences], findings.unknown


def test_as_the_rules_say() -> None:
    """Nothing differs."""
    version = _version(0, "run-8", "best")

    assert found(version, version) == ([], [])


@pytest.mark.parametrize("metadata", [{}, {"accuracy": 0.8}, {"accuracy": None}])
def test_other_metadata(metadata: dict[str, Any]) -> None:
    """It is missing, or has another value."""
    version = _version(0, "run-8", "best", metadata=metadata)

    [(item, cause)], _ = found(version, version)

    assert item == "F/8/fit artifact model, rules: metadata accuracy"
    assert "edited" in cause


def test_metadata_of_another_flow_run() -> None:
    """Of equal contents, the first W&B run has described the version."""
    version = _version(0, "run-8", "best", metadata={}, producer="other")

    assert found(version, version) == ([], [])


def test_a_missing_alias() -> None:
    """No version has it."""
    [(item, cause)], _ = found(_version(0, "run-8"))

    assert (item, cause) == ("model:best", "the alias was removed, or never set")


def test_an_alias_that_moved_back() -> None:
    """A version of an older flow run has it."""
    [(item, cause)], _ = found(_version(1, "run-8"), _version(0, "run-7", "best"))

    assert item == "model:best"
    assert "older flow run" in cause


def test_an_alias_of_a_newer_flow_run() -> None:
    """That is as it should be."""
    assert found(_version(0, "run-8"), _version(1, "run-9", "best")) == ([], [])


def test_an_alias_of_somebody() -> None:
    """Who can't be told from a newer flow run."""
    differences, unknown = found(_version(0, "run-8"), _version(1, "best"))

    assert differences == []
    assert unknown == [("model:best", "model:v1 has it, which names no flow run")]


def test_an_alias_on_two_versions() -> None:
    """W&B does not allow it."""
    version, other = _version(0, "run-8", "best"), _version(1, "best")

    [(_, cause)], _ = found(version, version, other)

    assert "several versions" in cause


def test_a_rule_that_is_not_known() -> None:
    """It is left open, whatever W&B has."""
    rule = ExpectedRule(reason="several tasks may have made it")

    differences, unknown = found(_version(0, "run-8", metadata={}), rule=rule)

    assert differences == []
    assert unknown == [("F/8/fit artifact model, rules", "several tasks may have made it")]
