"""Compares the versions of an artifact that a W&B run logged with the checkpoints of its tasks."""

from __future__ import annotations

from collections.abc import Mapping

from mfwb.verification.expected.model import ExpectedFile, ExpectedSeries
from mfwb.verification.file_pairs import is_unlike, pair_files
from mfwb.verification.findings import Findings, why_missing
from mfwb.verification.recorded import RecordedArtifact, RecordedRun

__all__ = ["compare_series"]


def compare_series(
    run: str, series: ExpectedSeries, recorded: RecordedRun, findings: Findings
) -> list[str]:
    """Note which checkpoints W&B lacks or has wrong; return the keys of the versions.

    Equal checkpoints are one version, so that versions are found by their files.
    """
    logged = [
        version
        for version in recorded.logged
        if version.name in series.names and version.type == "model"
    ]
    item = f"{run} checkpoints {series.names[0]}"
    matched: set[str] = set()
    for options in series.versions:
        findings.count("artifact")
        fits = [
            version.key
            for version in logged
            if any(_has_files(version, option) for option in options)
        ]
        if fits:
            matched.add(next((key for key in fits if key not in matched), fits[0]))
        elif options:
            cause = why_missing(recorded, "the version was deleted in W&B, or its files changed")
            findings.differ("artifact", item, run, [*options[0]], None, cause)
    if all(series.versions):
        for version in logged:
            if version.key not in matched:
                cause = "somebody else logged it, or its files were changed"
                findings.differ(
                    "artifact",
                    f"{item}:{version.version}",
                    run,
                    None,
                    sorted(version.files),
                    cause,
                    repairable=False,
                )
    return [version.key for version in logged]


def _has_files(version: RecordedArtifact, option: Mapping[str, ExpectedFile]) -> bool:
    pairs = pair_files(option, version.files)
    return pairs is not None and not any(map(is_unlike, pairs))
