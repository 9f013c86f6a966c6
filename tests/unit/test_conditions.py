"""Conditions of rules: what they may say, and what they give for some values."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.conditions import (
    MissingNameError,
    NoResultError,
    find_value,
    holds,
    parse_condition,
)

_VALUES: dict[str, Any] = {
    "accuracy": 0.95,
    "epochs": 8,
    "report": {"f1": 0.5, "items": 3, "by class": {"a": 1}},
    "tags": ["good", "small"],
    "failed": False,
    "kind": "full",
    "nothing": None,
    "broken": float("nan"),
    "huge": 1 << 900,
}


@pytest.mark.parametrize(
    "condition",
    [
        "accuracy > 0.9",
        " accuracy > 0.9 ",
        "0 < accuracy < 1 and not failed",
        "failed or kind == 'full'",
        "report.f1 >= .5 and report.items == 3",
        "report['by class']['a'] == 1",
        "'good' in tags and 'bad' not in tags",
        "tags[0] == 'good' and tags[-1] == \"small\"",
        "kind in ['full', 'half']",
        "kind in ('full', 'half')",
        "accuracy - 0.05 > -1 * epochs / 16 + epochs // 3 % 2",
        "nothing == None",
        "epochs",
        "huge * 2 > huge",
        "(accuracy >\n 0.9)",
    ],
)
def test_a_condition_that_holds(condition: str) -> None:
    """It is Python's own meaning of a comparison."""
    assert holds(condition, _VALUES)


@pytest.mark.parametrize(
    "condition",
    ["accuracy > 0.96", "not epochs", "broken > 0", "broken < 0", "kind != 'full'", "'x' in kind"],
)
def test_a_condition_that_does_not_hold(condition: str) -> None:
    """NaN is neither greater nor smaller."""
    assert not holds(condition, _VALUES)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "accuracy >",
        "accuracy = 1",
        "(accuracy := 1)",
        "a; b",
        "a\nb",
        "import os",
        "open('/etc/passwd')",
        "kind.upper()",
        "2 ** 3",
        "1 << 9",
        "a | b",
        "lambda: 1",
        "a if b else c",
        "[x for x in tags]",
        "{'a': 1}",
        "{1}",
        "tags[1:2]",
        "tags[epochs]",
        "f'{kind}'",
        "kind == b'full'",
        "1j",
        "...",
        "kind is None",
        "*tags",
        "not " * 50 + "failed",
        "(" * 300 + "1" + ")" * 300,
        "1 + " * 400 + "1",
        "\0",
    ],
)
def test_other_code_is_no_condition(condition: str) -> None:
    """It is refused before any value is known; nothing of it runs."""
    with pytest.raises(ValueError, match="it is a condition"):
        parse_condition(condition)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("loss < 1", "there is no value loss"),
        ("accuracy > 0.9 or loss < 1", "there is no value loss"),
        ("report.recall > 0", "there is no value report.recall"),
        ("report.__class__ == 1", "there is no value report.__class__"),
        ("report.f1.x == 1", "there is no value report.f1.x"),
        ("tags[2] == 'x'", "there is no value tags[2]"),
        ("kind[0] == 'f'", "there is no value kind[0]"),
        ("kind > 1", "'full' can't be compared with 1"),
        ("tags > 1", "a list can't be compared with 1"),
        ("1 in epochs", "1 can't be compared with 8"),
        ("kind + 'x' == 'fullx'", "'full' is not a number"),
        ("kind * 1000 == 1", "'full' is not a number"),
        ("-kind == 1", "'full' is not a number"),
        ("failed + 1 == 1", "False is not a number"),
        ("epochs / 0 > 1", "it divides by zero"),
        ("huge * huge * 2 > 1", "a number in it is too large"),
    ],
)
def test_a_condition_without_a_result(condition: str, reason: str) -> None:
    """A missing name counts wherever it stands; numbers stay small."""
    with pytest.raises(NoResultError) as error:
        holds(condition, _VALUES)
    assert str(error.value) == reason


def test_names_are_those_of_values() -> None:
    """Keys inside of values are none."""
    condition = parse_condition("report.f1 > accuracy and tags[0] == 'x' and report.f2 == 1")
    assert condition.names == ("accuracy", "report", "tags")


def test_a_dotted_name_leads_into_dicts() -> None:
    """And nowhere else."""
    assert find_value("report.f1", _VALUES) == 0.5
    assert find_value("kind", _VALUES) == "full"
    for name in ("report.recall", "kind.upper", "loss", "report.f1.real"):
        with pytest.raises(MissingNameError):
            find_value(name, _VALUES)
