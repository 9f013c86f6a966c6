"""Digests of versions, against the checksums of their files."""

from __future__ import annotations

import hashlib

from mfwb.verification.digests import compare_digests, digest_of_files
from mfwb.verification.findings import Findings
from mfwb.verification.recorded import RecordedArtifact, RecordedFile, RecordedFlowRun
from tests.unit.verification.recorded_runs import recorded_run

_RIGHT = hashlib.md5(
    b"wandb-artifact-manifest-v1\na:md5-a\nb:md5-b\n", usedforsecurity=False
).hexdigest()


def _version(digest: str, **md5: str | None) -> RecordedArtifact:
    files = {path: RecordedFile(path, 1, value) for path, value in md5.items()}
    return RecordedArtifact("x:v0", "x", "model", "v0", digest, frozenset(), files)


def _compare(version: RecordedArtifact) -> list[str]:
    run = recorded_run(logged=[version, version])
    findings = Findings()
    compare_digests(RecordedFlowRun("F/1", [run], {}), findings)
    return [difference.kind for difference in findings.differences]


def test_a_digest_of_its_files() -> None:
    """The digest is that of the paths and checksums in order, whatever W&B's order is."""
    assert digest_of_files(_version("", b="md5-b", a="md5-a")) == _RIGHT
    assert _compare(_version(_RIGHT, b="md5-b", a="md5-a")) == []


def test_another_digest() -> None:
    """It is a difference, which is noted once for a version that is listed twice."""
    assert _compare(_version("other", a="md5-a", b="md5-b")) == ["digest"]


def test_a_file_that_was_removed() -> None:
    """A file without a checksum is missing, and the digest can't be computed."""
    assert _compare(_version(_RIGHT, a="md5-a", b=None)) == ["file"]
