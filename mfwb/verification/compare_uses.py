"""Compares lineage edges, in both directions, and aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mfwb.verification.compare_artifacts import find_logged
from mfwb.verification.expected.model import ExpectedFlowRun, ExpectedRun
from mfwb.verification.findings import EDITED, Findings, why_missing
from mfwb.verification.recorded import RecordedArtifact, RecordedFlowRun, RecordedRun

__all__ = ["compare_aliases", "compare_uses", "find_all_logged", "is_of_older_flow_run"]

Pairs = Mapping[str, tuple[ExpectedRun, RecordedRun]]  # by name of the W&B run


def find_all_logged(pairs: Pairs) -> dict[tuple[str, str], list[RecordedArtifact]]:
    """Return what each W&B run logged, by (W&B run, Metaflow's name of the artifact)."""
    return {
        (name, artifact.artifact): versions
        for name, (expected, recorded) in pairs.items()
        for artifact in expected.artifacts
        if (versions := find_logged(artifact, recorded))
    }


def compare_uses(pairs: Pairs, findings: Findings) -> None:
    """Note uses that are missing or unexpected."""
    logged = find_all_logged(pairs)
    ids = {recorded.id: name for name, (_, recorded) in pairs.items()}
    for name, (expected, recorded) in pairs.items():
        used = {version.key: version for version in recorded.used}
        right: set[str] = set()
        lost: set[str] = set()
        for use in expected.uses:
            offered = [
                version for run in use.allowed for version in logged.get((run, use.artifact), ())
            ]
            right.update(version.key for version in offered)
            if not use.allowed <= pairs.keys():
                lost.add(use.artifact)  # who logged it is missing, which is a difference of its own
            for group in use.required:
                wanted = {
                    version.key
                    for run in group
                    for version in logged.get((run, use.artifact), ())[:1]
                }
                if not wanted:
                    continue  # it was not logged: that is a difference of its own, or switched off
                findings.count("edge")
                if not wanted & used.keys():
                    actual = sorted(
                        version.key for version in recorded.used if version.name == use.artifact
                    )
                    cause = why_missing(recorded, "the edge was removed, or never arrived")
                    findings.differ(
                        "edge",
                        f"{name} uses {use.artifact} of {', '.join(sorted(group))}",
                        name,
                        sorted(wanted),
                        actual or None,
                        cause,
                    )
        for version in recorded.used:
            findings.count("edge")
            if version.name in lost and version.key not in right and version.producer not in ids:
                reason = "the W&B run that should have logged it is missing"
                findings.leave_open(f"{name} uses {version.name}:{version.version}", reason)
                continue
            _compare_used(name, version, right, ids, pairs, findings)


def _compare_used(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    name: str,
    used: RecordedArtifact,
    right: set[str],
    ids: Mapping[str, str],
    pairs: Pairs,
    findings: Findings,
) -> None:
    item = f"{name} uses {used.name}:{used.version}"
    producer = ids.get(used.producer or "")
    if producer is not None:
        _, maker = pairs[producer]
        if used.key not in {version.key for version in maker.logged}:
            findings.differ(
                "edge",
                f"{producer} logged {used.name}:{used.version}",
                producer,
                used.key,
                None,
                EDITED,
            )
    if used.key in right:
        return
    # A step may log a content that it got from another flow run: who logged it first made it.
    is_own = producer is not None or (
        not used.producer
        and any(used.key == version.key for _, run in pairs.values() for version in run.logged)
    )
    if not is_own and pairs[name][0].may_use_others:
        reason = "it may be of another flow run, which the code of the step may have read"
        findings.leave_open(item, reason)
        return
    if _is_of_picked(used, pairs[name][0], pairs):
        reason = "an older mfwb noted it of the step, whose artifact a join picked among these"
        findings.leave_open(item, reason)
        return
    cause = "no ancestor of the step wrote it: the edge leads to a wrong version, or was added"
    findings.differ("edge", item, name, None, used.key, cause, repairable=False)


def _is_of_picked(used: RecordedArtifact, user: ExpectedRun, pairs: Pairs) -> bool:
    """Whether a W&B run uses candidates, and should use the one that a join picked among them.

    Before joins logged what they picked, later steps used the candidates. W&B removes no use.
    """
    names = {use.artifact for use in user.uses if use.required}
    return any(
        used.key in {version.key for version in find_logged(artifact, recorded)}
        for expected, recorded in pairs.values()
        for artifact in expected.artifacts
        if artifact.candidate_alias is not None and artifact.artifact in names
    )


def compare_aliases(
    expected: ExpectedFlowRun, recorded: RecordedFlowRun, pairs: Pairs, findings: Findings
) -> None:
    """Note aliases that are missing, doubled or moved."""
    _compare_candidates(pairs, findings)
    logged = find_all_logged(pairs)
    by_name: dict[str, list[RecordedArtifact]] = {}
    last: dict[str, RecordedArtifact] = {}
    artifacts: dict[str, str] = {}
    for run, (own, _) in pairs.items():
        for planned in own.artifacts:
            for version in logged.get((run, planned.artifact), ())[:1]:
                by_name.setdefault(version.name, []).append(version)
                last[version.name] = version
                artifacts[version.name] = planned.artifact
    for name, versions in by_name.items():
        artifact = artifacts[name]
        final = expected.final.get(artifact, frozenset())
        of_final = [
            version
            for run in final
            for version in [
                logged_version
                for logged_version in logged.get((run, artifact), ())
                if logged_version.name == name  # of another kind: another name, as `table-other`
            ][:1]
        ]
        if not of_final and final - pairs.keys():
            continue  # the W&B run that logged it is missing, which is a difference of its own
        keys = {version.key for version in (of_final or [last[name]])}
        if len(versions) > 1 and len(of_final) != 1:
            keys |= {version.key for version in versions}
        _compare_alias(name, expected.alias, recorded, keys, findings)
        _compare_latest(
            name, expected, recorded, keys, {version.key for version in versions}, findings
        )


def _compare_candidates(pairs: Pairs, findings: Findings) -> None:
    """Note candidates that lack their alias."""
    for name, (expected, recorded) in pairs.items():
        for artifact in expected.artifacts:
            if artifact.candidate_alias is None:
                continue
            for version in find_logged(artifact, recorded)[:1]:
                findings.count("alias")
                if artifact.candidate_alias not in version.aliases:
                    findings.differ(
                        "alias",
                        f"{version.name}:{artifact.candidate_alias}",
                        name,
                        version.key,
                        None,
                        "the alias was removed or moved, or never set: an upload was cut",
                    )


def _is_of_candidate(alias: str) -> bool:
    return "-candidate-" in alias or "-candidates-" in alias


def _compare_alias(
    name: str, alias: str, recorded: RecordedFlowRun, right: set[str], findings: Findings
) -> None:
    findings.count("alias")
    versions = recorded.aliased.get((name, alias), ())
    keys = [version.key for version in versions]
    if len(keys) == 1 and keys[0] in right:
        return
    if not keys:
        cause = "the alias was removed, or never set: an upload was cut"
    elif len(keys) > 1:
        cause = "several versions have the alias, which W&B does not allow"
    else:
        cause = "the alias was moved"
    findings.differ("alias", f"{name}:{alias}", None, sorted(right), keys or None, cause)


def _compare_latest(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    name: str,
    expected: ExpectedFlowRun,
    recorded: RecordedFlowRun,
    right: set[str],
    own: set[str],
    findings: Findings,
) -> None:
    findings.count("alias")
    versions: Sequence[RecordedArtifact] = recorded.aliased.get((name, "latest"), ())
    keys = [version.key for version in versions]
    item = f"{name}:latest"
    if len(keys) != 1:
        cause = (
            "several versions have the alias, which W&B does not allow"
            if keys
            else "the alias was removed, or never set: an upload was cut"
        )
        findings.differ("alias", item, None, sorted(own), keys or None, cause)
        return
    if keys[0] in right:
        return
    others = [
        alias
        for alias in versions[0].aliases
        if alias.startswith("run-") and alias != expected.alias and not _is_of_candidate(alias)
    ]
    if keys[0] in own and not others:
        cause = "the alias was moved to another version of the flow run"
        findings.differ("alias", item, None, sorted(right), keys, cause)
        return
    if others and all(is_of_older_flow_run(alias, expected.alias) for alias in others):
        cause = "the alias was moved to a version of an older flow run"
        findings.differ("alias", item, None, sorted(own), keys, cause)
    elif not others:
        reason = f"{keys[0]} has it, which names no flow run: somebody else may have logged it"
        findings.leave_open(item, reason)


def is_of_older_flow_run(alias: str, own: str) -> bool:
    """Whether an alias names a flow run that began before ours: their ids are numbers that grow."""
    number, own_number = alias.removeprefix("run-"), own.removeprefix("run-")
    return number.isdecimal() and own_number.isdecimal() and int(number) < int(own_number)
