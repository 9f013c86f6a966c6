"""What somebody may have meant who gave a name that is not there."""

from __future__ import annotations

import pytest

from mfwb.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trian", "; did you mean train?"),
        ("TRAIN", "; did you mean train?"),
        ("score", "; did you mean Score or scores?"),
        ("else", ""),
        ("od\x1bd", "; did you mean o\\x1bdd?"),
    ],
)
def test_hint(name: str, hint: str) -> None:
    """Names that differ by their case come first; of others those that are much alike."""
    assert did_you_mean(name, {"train", "Score", "scores", "o\x1bdd"}) == hint


def test_nothing_to_choose_from() -> None:
    """Then there is nothing to say."""
    assert did_you_mean("x", ()) == ""
