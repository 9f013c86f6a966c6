"""Causes that name what an older mfwb did not write yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mfwb.verification.older_versions import NOT_WRITTEN_YET, with_older_causes
from mfwb.verification.recorded import RecordedRun
from mfwb.verification_outcome import Difference
from mfwb.version import __version__

_CHANGES = Path(__file__).parents[3] / "CHANGELOG.md"


def run_of(config: dict[str, Any]) -> RecordedRun:
    """Return a W&B run with a config."""
    return RecordedRun(
        id="x",
        name="F/1/train",
        group="F/1",
        job_type="train",
        state="finished",
        tags=frozenset(),
        notes="",
        config=config,
        summary={},
        history={},
        log=None,
        files={},
        logged=(),
        used=(),
    )


def cause_of(kind: str, own: Any, name: str | None = "F/1/train") -> str:
    """Return the cause of a difference in a W&B run whose config has these notes of mfwb."""
    difference = Difference(kind, "item", name, 1, None, "it was removed")
    [explained] = with_older_causes([difference], {"F/1/train": run_of({"mfwb": own})})
    return explained.cause


def test_an_early_state_of_this_version() -> None:
    """It noted nothing of what it wrote."""
    assert cause_of("history", {"version": __version__}) == (
        f"written by mfwb {__version__} before its release, which did not write numbers as points "
        "of history yet; or it was removed"
    )


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("tags", {"version": __version__}),
        ("history", {"version": __version__, "wrote": "{}"}),
        ("history", {}),
        ("history", None),
    ],
)
def test_nothing_is_known_to_be_missing(kind: str, own: Any) -> None:
    """It wrote that kind, it is not older, or it names no version."""
    assert cause_of(kind, own) == "it was removed"


def test_a_version_that_is_not_known() -> None:
    """A newer one, or one that somebody wrote there."""
    cause = cause_of("tags", {"version": "99.0", "wrote": "{}"})

    assert cause.startswith("written by mfwb 99.0, of which this mfwb (")
    assert cause.endswith("does not know more; or it was removed")


def test_a_difference_of_the_flow_run_as_a_whole() -> None:
    """It has no writer."""
    assert cause_of("alias", {"version": "99.0"}, None) == "it was removed"


def test_each_older_version_is_in_the_table() -> None:
    """A release has to say what the version before it did not write."""
    released = re.findall(r"^## \[([0-9][^\]]*)\]", _CHANGES.read_text("utf-8"), re.MULTILINE)

    assert {*NOT_WRITTEN_YET} == {*released} - {__version__}
