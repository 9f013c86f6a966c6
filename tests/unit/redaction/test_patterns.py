"""Patterns of secrets that users add."""

from __future__ import annotations

import pytest

from mfwb.redaction.patterns import Patterns, describe_wrong_pattern


def test_masked() -> None:
    """All that one of them matches is masked, in any text."""
    patterns = Patterns([r"EMP-\d+", "(?i)codename"])

    assert patterns.mask("EMP-1, é, CodeName, EMP-") == "***, é, ***, EMP-"
    assert patterns.mask("") == ""
    assert patterns.mask("EMP-1 \\1 \0") == "*** \\1 \0"


def test_none() -> None:
    """Without patterns the very text is returned."""
    text = "EMP-1"

    assert Patterns([]).mask(text) is text


@pytest.mark.timeout(120)
def test_they_end() -> None:
    """An expression that would keep Python busy for years ends."""
    text = "a" * 50_000 + "!"

    assert Patterns([r"(a+)+$", r"(a|aa)+b"]).mask(text) == text


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("(", "missing"),
        ("[a", "missing"),
        ("(?=a)b", "invalid perl operator"),
        (r"(a)\1", "invalid escape"),
        ("a*", "matches the empty text"),
        ("", "matches the empty text"),
        ("\ud800", "is no regular expression"),
    ],
)
def test_wrong(expression: str, reason: str) -> None:
    """What is wrong is said in a few words."""
    assert reason in str(describe_wrong_pattern(expression))


def test_right() -> None:
    """Nothing is wrong with an expression that matches some text."""
    assert describe_wrong_pattern(r"EMP-\d+") is None
