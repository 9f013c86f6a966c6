"""Compares the artifacts that a W&B run logged with those that it should have logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedFile,
    ExpectedFolder,
    ExpectedRun,
    Need,
)
from mfwb.verification.findings import EDITED, Findings, why_missing
from mfwb.verification.recorded import RecordedArtifact, RecordedFile, RecordedRun

_WITHOUT_SIZE = {"include", "code"}  # shapes whose size Metaflow does not record

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
    """Return the artifacts that a W&B run logged under a name that this one may have."""
    named = [artifact for artifact in recorded.logged if artifact.name in expected.names]
    fitting = [artifact for artifact in named if artifact.type in expected.kinds]
    exact = [artifact for artifact in fitting if artifact.name == expected.names[0]]
    return exact or fitting or named


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
            versions = [version.version for version in logged]
            findings.differ(
                "artifact",
                f"{item}, its versions",
                expected.name,
                1,
                versions,
                "somebody else logged another version in this W&B run",
                repairable=False,
            )
        yield from _compare_artifact(expected.name, item, artifact, logged[0], recorded, findings)
    for version in recorded.logged:
        if version.key not in known:
            item = f"{expected.name} artifact {version.name}:{version.version}"
            cause = "somebody else logged it, or mfwb logged it with other settings"
            findings.differ(
                "artifact", item, expected.name, None, version.type, cause, repairable=False
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
        own["size"] = sum(
            artifact.size for artifact in held
        )  # Metaflow stores a descriptor of the others
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
        files = {
            path.removeprefix(folder.prefix): left.pop(path)
            for path in [*left]
            if path.startswith(folder.prefix)
        }
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
    options = [pairs for option in folder.options if (pairs := _pair(option, files)) is not None]
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
    best = min(options, key=lambda pairs: sum(map(_is_unlike, pairs)))
    for path, expected, file in best:
        whole = f"{folder.prefix}{path}"
        if _is_unlike((path, expected, file)):
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


_Pair = tuple[str, ExpectedFile, RecordedFile]


def _pair(
    option: Mapping[str, ExpectedFile], files: Mapping[str, RecordedFile]
) -> list[_Pair] | None:
    """Return each file with what it should be; None if these are not the files of an option."""
    pairs: list[_Pair] = []
    met: set[str] = set()
    for path, file in files.items():
        pattern = next((pattern for pattern in option if pattern == path), None) or next(
            (pattern for pattern in option if pattern.endswith("*") and fnmatchcase(path, pattern)),
            None,
        )
        if pattern is None:
            return None
        met.add(pattern)
        pairs.append((path, option[pattern], file))
    return pairs if met == option.keys() else None


def _is_unlike(pair: _Pair) -> bool:
    _, expected, file = pair
    if expected.reference != bool(file.reference):
        return True
    if expected.size is not None and file.size is not None and file.size != expected.size:
        return True
    if file.md5 is not None and expected.md5 is not None and file.md5 != expected.md5:
        return True
    return file.size == 0 and expected.size != 0 and not file.reference
