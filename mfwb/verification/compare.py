"""Compares what W&B says of a flow run with what it should say. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mfwb.redaction import Masker
from mfwb.verification.compare_artifacts import LoggedFile, compare_artifacts
from mfwb.verification.compare_overview import compare_overview
from mfwb.verification.compare_rules import compare_rules
from mfwb.verification.compare_run import compare_run
from mfwb.verification.compare_uses import compare_aliases, compare_uses, find_all_logged
from mfwb.verification.expected.model import (
    OVERVIEW_JOB_TYPE,
    ExpectedFlowRun,
    ExpectedRun,
)
from mfwb.verification.findings import Findings, writer_of
from mfwb.verification.older_versions import with_older_causes
from mfwb.verification.recorded import RecordedFlowRun, RecordedRun

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        findings: differences, counts, and what is not known.
        files: the files of W&B artifacts whose bytes could be read back.
        runs: the W&B runs that are the flow run's, each with what it should say.
    """

    findings: Findings
    files: Sequence[LoggedFile]
    runs: Sequence[tuple[ExpectedRun, RecordedRun]]


def compare(
    expected: ExpectedFlowRun, recorded: RecordedFlowRun, masker: Masker | None = None
) -> Comparison:
    """Return how W&B differs from what it should say; differences show no secrets."""
    findings = Findings(masker)
    for item, reason in expected.unknown:
        findings.leave_open(item, reason)
    pairs = _pair_runs(expected, recorded, findings)
    files: list[LoggedFile] = []
    parts = {name: pair for name, pair in pairs.items() if pair[0].overview is None}
    for own, actual in pairs.values():
        compare_run(own, actual, expected.names, findings)
        if own.overview is None:
            files += compare_artifacts(own, actual, findings)
        else:  # its artifacts are those of others
            compare_overview(own, actual, find_all_logged(parts), findings)
    if unnamed := [run for _, run in pairs.values() if run.started_at is None]:
        findings.leave_open(
            f"started at, of {len(unnamed):,} W&B runs",
            "W&B has it in a file alone, which --read-data reads; the summary's was compared",
        )
    compare_uses(pairs, findings)
    compare_aliases(expected, recorded, parts, findings)
    compare_rules(expected, recorded, parts, findings)
    by_name = {name: actual for name, (_, actual) in pairs.items()}
    findings.differences[:] = with_older_causes(findings.differences, by_name)
    return Comparison(findings, tuple(files), tuple(pairs.values()))


def _pair_runs(
    expected: ExpectedFlowRun, recorded: RecordedFlowRun, findings: Findings
) -> dict[str, tuple[ExpectedRun, RecordedRun]]:
    """Return each W&B run with what it should say; note missing, repeated and unexpected ones.

    A W&B run is recognized by its name and the pathspec in its config; if somebody changed one of
    them, by the other one.
    """
    pairs: dict[str, tuple[ExpectedRun, RecordedRun]] = {}
    taken: set[str] = set()
    findings.count("run", len(expected.runs))
    for is_match in (_has_both, _has_pathspec, _has_name):
        for own in expected.runs:
            if own.name in pairs:
                continue
            matching = [
                run for run in recorded.runs if run.id not in taken and is_match(run, own.name)
            ]
            if matching:
                pairs[own.name] = own, min(matching, key=lambda run: writer_of(run) is None)
                taken.add(pairs[own.name][1].id)
    for own in expected.runs:
        if own.name in pairs:
            doubles = [
                run for run in recorded.runs if run.id not in taken and _has_name(run, own.name)
            ]
            _note_doubles(own.name, doubles, taken, findings)
        else:
            cause = _why_run_is_missing(recorded)
            findings.differ("run", f"{own.name} W&B run", own.name, own.name, None, cause)
    for run in recorded.runs:
        if run.id not in taken:
            if _is_overview(run, expected):
                continue  # it stays when the setting is switched off again
            version = writer_of(run)
            cause = (
                "a W&B run of somebody else is in this group, for example a live one"
                if version is None
                else "mfwb wrote it with other settings, or it was moved here from another group"
            )
            findings.differ(
                "run",
                f"{run.name} W&B run {run.id}",
                run.name,
                None,
                run.id,
                cause,
                repairable=False,
            )
    order = {own.name: position for position, own in enumerate(expected.runs)}
    return dict(sorted(pairs.items(), key=lambda pair: order[pair[0]]))


def _is_overview(run: RecordedRun, expected: ExpectedFlowRun) -> bool:
    is_ours = writer_of(run) is not None and _pathspec(run) == expected.pathspec
    return is_ours and run.job_type == OVERVIEW_JOB_TYPE


def _why_run_is_missing(recorded: RecordedFlowRun) -> str:
    if recorded.damaged:
        return f"perhaps its file is damaged: {recorded.damaged[0]}"
    if not recorded.has_project:
        return "W&B has no such project, or does not show it with this key"
    return "the W&B run was deleted or moved to another group, or was never written"


def _note_doubles(
    name: str, doubles: Sequence[RecordedRun], taken: set[str], findings: Findings
) -> None:
    for run in doubles:
        taken.add(run.id)
        findings.differ(
            "run",
            f"{name} W&B run {run.id}, twice",
            name,
            None,
            run.id,
            "a second W&B run has the same name: it was copied, or somebody else made it",
            repairable=False,
        )


def _has_both(run: RecordedRun, name: str) -> bool:
    return _has_name(run, name) and _has_pathspec(run, name)


def _has_pathspec(run: RecordedRun, name: str) -> bool:
    return _pathspec(run) == name


def _has_name(run: RecordedRun, name: str) -> bool:
    return run.name == name


def _pathspec(run: RecordedRun) -> str | None:
    facts = run.config.get("metaflow")
    pathspec = facts.get("pathspec") if isinstance(facts, dict) else None
    return pathspec if isinstance(pathspec, str) else None
