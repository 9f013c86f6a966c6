"""Artifacts of a W&B run that an older mfwb logged in another form."""

from __future__ import annotations

from typing import Any

from mfwb.verification.compare_artifacts import compare_artifacts, find_logged
from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedFile,
    ExpectedFolder,
    ExpectedRun,
)
from mfwb.verification.findings import Findings
from mfwb.verification.recorded import RecordedArtifact, RecordedFile, RecordedRun

_SHA1 = "a" * 40
_HELD = HeldArtifact("plot", _SHA1, 9, "bytes", "pickle-v4")
_PLOT = ExpectedArtifact(
    "plot",
    ("plot",),
    ("other",),
    (
        ExpectedFolder(
            "",
            "F/1/start/1",
            _HELD,
            "media",
            ({"plot.png": ExpectedFile()}, {"plot.pkl": ExpectedFile()}),
        ),
    ),
)


def _version(number: int, path: str, sha1: str = _SHA1) -> RecordedArtifact:
    facts = {"artifact": "plot", "task": "F/1/start/1", "sha1": sha1, "size": 9}
    return RecordedArtifact(
        f"plot:v{number}",
        "plot",
        "other",
        f"v{number}",
        str(number),
        frozenset(),
        {path: RecordedFile(path, 5, None)},
        {"metaflow": facts},
        "`plot`",
        "start",
    )


def _recorded(*logged: RecordedArtifact) -> RecordedRun:
    return RecordedRun(
        id="start",
        name="F/1/start",
        group="F/1",
        job_type="start",
        state="finished",
        tags=frozenset(),
        notes="",
        config={},
        summary={},
        history={},
        log=None,
        files={},
        logged=logged,
        used=(),
    )


def compared(*logged: RecordedArtifact) -> Findings:
    """Return what is found in a W&B run that logged these versions."""
    values: dict[str, Any] = {
        name: {} for name in ("config", "facts", "summary", "outcome", "history")
    }
    expected = ExpectedRun(
        name="F/1/start",
        group="F/1",
        job_type="start",
        tags=frozenset(),
        state="finished",
        table=None,
        cards=(),
        log=(),
        artifacts=(_PLOT,),
        uses=(),
        **values,
    )
    findings = Findings()
    list(compare_artifacts(expected, _recorded(*logged), findings))
    return findings


def test_the_newest_of_right_ones_comes_first() -> None:
    """Whatever the order in which W&B gives them; one with other files comes last."""
    older, newer, wrong = _version(0, "plot.pkl"), _version(1, "plot.png"), _version(2, "x")

    assert find_logged(_PLOT, _recorded(wrong, older, newer)) == [newer, older, wrong]


def test_another_form_of_the_same_content() -> None:
    """It is no difference; that it is there is said."""
    findings = compared(_version(0, "plot.pkl"), _version(1, "plot.png"))

    assert findings.differences == []
    [(item, reason)] = findings.unknown
    assert item == "F/1/start artifact plot, its versions"
    assert reason.startswith("v0 has it in another form")


def test_a_version_of_another_content() -> None:
    """It is a difference, which stays."""
    findings = compared(_version(0, "plot.pkl", sha1="b" * 40), _version(1, "plot.png"))

    [difference] = findings.differences
    assert difference.item == "F/1/start artifact plot, its versions"
    assert not difference.repairable
