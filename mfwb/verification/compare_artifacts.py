"""Compares the artifacts that a W&B run logged with those that it should have logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mfwb.verification.compare_series import compare_series
from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedFile,
    ExpectedFolder,
    ExpectedRun,
    Need,
)
from mfwb.verification.file_pairs import is_unlike, pair_files
from mfwb.verification.findings import EDITED, Findings, why_missing
from mfwb.verification.recorded import RecordedArtifact, RecordedFile, RecordedRun

_WITHOUT_SIZE = {"include", "code", "checkpoint"}
"""Shapes whose size Metaflow does not record as that of the artifact."""

__all__ = ["LoggedFile", "compare_artifacts", "find_logged"]


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A file that W&B has, with the stored artifact whose content it should have."""

    run: str
    artifact: RecordedArtifact
    path: str
    folder: ExpectedFolder
    expected: ExpectedFile


def find_logged(expected: ExpectedArtifact, recorded: RecordedRun) -> list[RecordedArtifact]:
    """Return the artifacts that a W&B run logged under a name that this one may have.

    If there are several, the newest with right files comes first: W&B takes no version from a W&B
    run that an older mfwb logged in another form.
    """
    named = [artifact for artifact in recorded.logged if artifact.name in expected.names]
    fitting = [artifact for artifact in named if artifact.type in expected.kinds]
    exact = [artifact for artifact in fitting if artifact.name == expected.names[0]]
    logged = exact or fitting or named
    if len(logged) > 1:
        logged.sort(
            key=lambda version: (not _has_right_files(expected, version), -_number(version))
        )
    return logged


def _number(version: RecordedArtifact) -> int:
    number = (version.version or "").removeprefix("v")
    return int(number) if number.isdecimal() else 0


def _has_right_files(expected: ExpectedArtifact, version: RecordedArtifact) -> bool:
    left = dict(version.files)
    for folder in sorted(expected.folders, key=lambda folder: -len(folder.prefix)):
        files = _take_files(folder, left)
        pairs = [pair_files(option, files) for option in folder.options]
        if all(paired is None or any(map(is_unlike, paired)) for paired in pairs):
            return False
    return not left


def _take_files(folder: ExpectedFolder, left: dict[str, RecordedFile]) -> dict[str, RecordedFile]:
    """Return the files of a folder by the path in it, and remove them from those that are left."""
    return {
        path.removeprefix(folder.prefix): left.pop(path)
        for path in [*left]
        if path.startswith(folder.prefix)
    }


def _is_of_same_content(expected: ExpectedArtifact, version: RecordedArtifact) -> bool:
    """Whether a version says that it was made of the very artifact, so that it is another form."""
    facts = version.metadata.get("metaflow")
    if not isinstance(facts, dict) or facts.get("artifact") != expected.artifact:
        return False
    held = [folder.held for folder in expected.folders]
    if len(held) == 1:
        return bool(facts.get("sha1") == held[0].sha1)
    size = sum(artifact.size for artifact in held)
    return bool(facts.get("tasks") == len(held) and facts.get("size") == size)


def compare_artifacts(
    expected: ExpectedRun, recorded: RecordedRun, findings: Findings
) -> Iterator[LoggedFile]:
    """Note how the artifacts of a W&B run differ; yield the files that could be read back.

    W&B never changes a version, and a sync does not upload content again if W&B has its digest.
    So a sync can repair the content of a version in a bundle, but not on a server.
    """
    known: set[str] = set()
    for artifact in expected.artifacts:
        logged = find_logged(artifact, recorded)
        known.update(version.key for version in logged)
        findings.count("artifact")
        item = f"{expected.name} artifact {artifact.artifact}"
        if not logged:
            if artifact.need is Need.REQUIRED:
                cause = why_missing(recorded, "the artifact or the version was deleted in W&B")
                own = [*artifact.folders[0].options[0]]
                findings.differ("artifact", item, expected.name, own, None, cause)
            continue
        if len(logged) > 1:
            _compare_further_versions(expected.name, item, artifact, logged, findings)
        yield from _compare_artifact(expected.name, item, artifact, logged[0], recorded, findings)
    for series in expected.series:
        known.update(compare_series(expected.name, series, recorded, findings))
    for version in recorded.logged:
        if version.key not in known:
            item = f"{expected.name} artifact {version.name}:{version.version}"
            cause = "somebody else logged it, or mfwb logged it with other settings"
            findings.differ(
                "artifact", item, expected.name, None, version.type, cause, repairable=False
            )


def _compare_further_versions(
    run: str,
    item: str,
    expected: ExpectedArtifact,
    logged: list[RecordedArtifact],
    findings: Findings,
) -> None:
    """Note the versions behind the first one, which is the right one."""
    if _has_right_files(expected, logged[0]) and all(
        _is_of_same_content(expected, version) for version in logged[1:]
    ):
        older = ", ".join(str(version.version) for version in logged[1:])
        reason = f"{older} has it in another form, as an older mfwb wrote it; W&B keeps that"
        findings.leave_open(f"{item}, its versions", reason)
        return
    findings.differ(
        "artifact",
        f"{item}, its versions",
        run,
        1,
        sorted(str(version.version) for version in logged),
        "somebody else logged another version in this W&B run",
        repairable=False,
    )


def _compare_description(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    run: str,
    item: str,
    expected: ExpectedArtifact,
    logged: RecordedArtifact,
    recorded: RecordedRun,
    findings: Findings,
) -> None:
    """Note where metadata and description of a version name a wrong origin."""
    findings.count("metadata")
    can_mend = logged.version is None
    held = [folder.held for folder in expected.folders]
    own: dict[str, Any] = {"artifact": expected.artifact}
    if not any(folder.shape in _WITHOUT_SIZE for folder in expected.folders):
        own["size"] = sum(artifact.size for artifact in held)
    if len(held) == 1:
        own |= {"task": expected.folders[0].task, "sha1": held[0].sha1}
    elif expected.kinds != ("code",):
        own["tasks"] = len(held)
    facts = logged.metadata.get("metaflow")
    if not isinstance(facts, dict):
        cause = why_missing(recorded, "somebody removed it in W&B")
        findings.differ(
            "artifact", f"{item}, its metadata", run, own, facts, cause, repairable=can_mend
        )
        return
    for key, value in own.items():
        if facts.get(key) != value:
            findings.differ(
                "artifact",
                f"{item}, its metadata {key}",
                run,
                value,
                facts.get(key),
                EDITED,
                repairable=can_mend,
            )
    producers = frozenset().union(*(folder.picked_from for folder in expected.folders))
    if len(held) == 1 and producers and facts.get("picked_from") not in producers:
        findings.differ(
            "artifact",
            f"{item}, its metadata picked_from",
            run,
            sorted(producers),
            facts.get("picked_from"),
            EDITED,
            repairable=can_mend,
        )
    named = f"`{expected.artifact}`"
    if named not in (logged.description or ""):
        findings.differ(
            "artifact",
            f"{item}, its description",
            run,
            named,
            logged.description,
            EDITED,
            repairable=can_mend,
        )


def _compare_artifact(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    run: str,
    item: str,
    expected: ExpectedArtifact,
    logged: RecordedArtifact,
    recorded: RecordedRun,
    findings: Findings,
) -> Iterator[LoggedFile]:
    can_mend = logged.version is None
    if logged.type not in expected.kinds:
        own = expected.kinds[0]
        findings.differ(
            "artifact", f"{item}, its type", run, own, logged.type, EDITED, repairable=can_mend
        )
    if logged.producer == recorded.id:  # of equal contents, the first W&B run describes them
        _compare_description(run, item, expected, logged, recorded, findings)
    left = dict(logged.files)
    for folder in sorted(expected.folders, key=lambda folder: -len(folder.prefix)):
        files = _take_files(folder, left)
        yield from _compare_folder(run, item, logged, folder, files, findings)
    for path in sorted(left):
        findings.count("file")
        findings.differ(
            "file", f"{item}, file {path}", run, None, path, EDITED, repairable=can_mend
        )


def _compare_folder(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    run: str,
    item: str,
    artifact: RecordedArtifact,
    folder: ExpectedFolder,
    files: Mapping[str, RecordedFile],
    findings: Findings,
) -> Iterator[LoggedFile]:
    findings.count("file", max(1, len(files)))
    options = [
        pairs for option in folder.options if (pairs := pair_files(option, files)) is not None
    ]
    if not options:
        paths = [f"{folder.prefix}{path}" for path in folder.options[0]]
        actual = [f"{folder.prefix}{path}" for path in files]
        cause = "files are missing or unexpected: an upload was cut, or the version was damaged"
        findings.differ(
            "file",
            f"{item}, files of {folder.task}",
            run,
            paths,
            actual,
            cause,
            repairable=artifact.version is None,
        )
        return
    best = min(options, key=lambda pairs: sum(map(is_unlike, pairs)))
    for path, expected, file in best:
        whole = f"{folder.prefix}{path}"
        if is_unlike((path, expected, file)):
            own = {"size": expected.size, "md5": expected.md5, "reference": expected.reference}
            actual_facts = {"size": file.size, "md5": file.md5, "reference": bool(file.reference)}
            cause = "another content was uploaded, or the file was damaged"
            findings.differ(
                "file",
                f"{item}, file {whole}",
                run,
                own,
                actual_facts,
                cause,
                repairable=artifact.version is None,
            )
        elif not file.reference:
            yield LoggedFile(run, artifact, whole, folder, expected)
