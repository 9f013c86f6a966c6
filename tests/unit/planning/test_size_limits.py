"""What does not fit into config and summary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfwb.planning import size_limits
from mfwb.planning.size_limits import (
    config_value,
    cut_to_limit,
    select_parameters_as_files,
    select_values_that_do_not_fit,
)
from mfwb.snapshot import ArtifactRef, Parameter
from tests.support.flow_runs import flow_run, task


def parameter(name: str, value: Any, no_value: str = "", kind: str = "Parameter") -> Parameter:
    """Return a parameter."""
    ref = ArtifactRef(name, "0" * 40, 9, "str", "pickle-v4")
    return Parameter(name, kind, ref, value=value, no_value=no_value)


def value(name: str, size: int, characters: int | None = None) -> ArtifactRef:
    """Return a value of a task."""
    return ArtifactRef(name, "0" * 40, size, "str", "pickle-v4", characters=characters)


def test_parameters_that_fit() -> None:
    """Config says all of them."""
    shown = flow_run(task("start/1"), parameters=(parameter("a", {}), parameter("b", "x" * 1000)))

    assert select_parameters_as_files(shown) == frozenset()
    assert config_value(shown.parameters[0], frozenset()) == {}


def test_the_largest_parameters_go() -> None:
    """So many go as files as it takes for the others to fit, and config says where they are."""
    large = parameter("large", "x" * 4_000_000)
    constant = parameter("constant", ["x" * 2_000_000], kind="constant")
    unknown = parameter("unknown", "<str>", no_value="it contains itself")
    shown = flow_run(task("start/1"), parameters=(large, constant, unknown, parameter("a", 1)))

    as_files = select_parameters_as_files(shown)

    assert as_files == {"large", "unknown"}
    assert config_value(large, as_files) == "4,000,002 characters: see the artifact large"
    assert config_value(unknown, as_files) == "<str>: see the artifact unknown"


def test_too_many_values() -> None:
    """The largest values have no room; where nobody counted, bytes are taken for the worst."""
    limit = size_limits.SUMMARY_LIMIT - size_limits.FACTS_LIMIT
    few = [value("a", 10, limit - 10_000), value("b", 1_000)]

    assert select_values_that_do_not_fit(few) == {}
    assert set(select_values_that_do_not_fit([*few, value("c", 5, 9_000)])) == {"a"}


def test_short_facts_stay() -> None:
    """What fits is not touched."""
    facts = {"a": ["x"], "b": {"c": 1}}

    assert cut_to_limit(facts, 100) == (facts, ())


@pytest.mark.parametrize(
    "facts",
    [
        {"failures": [{"task": f"F/1/s/{n}", "message": "m" * 3_500} for n in range(500)]},
        {"doc": "d" * 2_000_000, "user": "me"},
        {"tasks": [f"Flow/1/step/{n}" for n in range(30_000)], "user": "me"},
        {"git": {"a": {"b": ["c" * 100] * 10_000}}, "user": "me"},
    ],
)
def test_facts_are_cut_until_they_fit(facts: dict[str, Any]) -> None:
    """Texts are cut first, then lists; both say how long they were, and what was cut is told."""
    fit, keys = cut_to_limit(facts, 500_000)

    reported = json.dumps(fit)
    assert len(reported) <= 500_000
    assert keys == tuple(key for key in facts if key != "user")
    assert "characters)" in reported or " more" in reported
    assert fit.get("user", "me") == "me"
