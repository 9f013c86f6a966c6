"""Compares what only the W&B run of a whole flow run has: panels, and final artifacts."""

from __future__ import annotations

from collections.abc import Mapping

from mfwb.verification.compare_run import check_panel
from mfwb.verification.expected.model import ExpectedRun
from mfwb.verification.findings import Findings, why_missing
from mfwb.verification.recorded import RecordedArtifact, RecordedRun

__all__ = ["compare_overview"]


def compare_overview(
    expected: ExpectedRun,
    recorded: RecordedRun,
    logged: Mapping[tuple[str, str], list[RecordedArtifact]],
    findings: Findings,
) -> None:
    """Note how panels differ, and which final artifacts are not the versions of their makers.

    Args:
        expected: what the W&B run should say.
        recorded: what it says.
        logged: what the other W&B runs logged, by (W&B run, Metaflow's name of the artifact).
        findings: where to note it.
    """
    overview = expected.overview
    if overview is None:
        return
    for key, kind in overview.panels.items():
        findings.count("panel")
        check_panel(expected, recorded, f"summary.{key}", recorded.summary.get(key), kind, findings)
    own = {version.key for version in recorded.logged}
    right: set[str] = set()
    for name, makers in overview.final.items():
        wanted = {version.key for run in makers for version in logged.get((run, name), ())}
        right |= wanted
        if not wanted:
            continue  # it was not logged: that is a difference of its own, or switched off
        findings.count("artifact")
        if not wanted & own:
            cause = why_missing(recorded, "the artifact or the version was deleted in W&B")
            item = f"{expected.name} final artifact {name}"
            findings.differ("artifact", item, expected.name, sorted(wanted), None, cause)
    if not overview.final:  # the flow run has no end: any artifact of it may be the last one
        right = {version.key for versions in logged.values() for version in versions}
    for version in recorded.logged:
        if version.key not in right:
            item = f"{expected.name} artifact {version.name}:{version.version}"
            cause = "it is no final artifact of the flow run, or not its version"
            findings.differ(
                "artifact", item, expected.name, None, version.type, cause, repairable=False
            )
