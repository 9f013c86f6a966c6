"""Differences, and what is not known."""

from __future__ import annotations

import pytest

from mfwb.verification.findings import Findings, short, why_missing
from mfwb.version import __version__
from tests.unit.verification.recorded_runs import recorded_run


def test_an_open_item_is_noted_once() -> None:
    """The same reason of several W&B runs is one line."""
    findings = Findings()
    findings.leave_open("summary.x", "it is too large")
    findings.leave_open("summary.x", "it is too large")

    assert findings.unknown == [("summary.x", "it is too large")]


def test_long_values_are_cut() -> None:
    """A short value stays as it is; of a long one, its beginning is shown."""
    assert short({"a": [1]}) == {"a": [1]}
    assert short(list(range(1000))) == f"{str(list(range(1000)))[:300]}..."


@pytest.mark.parametrize(
    ("state", "version", "cause"),
    [
        ("finished", __version__, "it was deleted"),
        ("finished", "0.0.1", "written by mfwb 0.0.1"),
        ("finished", None, "names no mfwb"),
        ("running", __version__, "the W&B run is running"),
    ],
)
def test_why_something_is_missing(state: str, version: str | None, cause: str) -> None:
    """A sync that was cut and an older mfwb come before a deletion."""
    config = {} if version is None else {"mfwb": {"version": version}}

    assert cause in why_missing(recorded_run(state=state, config=config), "it was deleted")
