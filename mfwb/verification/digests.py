"""Compares W&B's digest of each version with the checksums of the files that W&B lists for it.

If a file is converted, as tables are, the right digest can't be computed from Metaflow's artifacts.
But W&B deduplicates by digest, so a digest that does not fit its files would hide lost content.
"""

from __future__ import annotations

import hashlib

from mfwb.verification.findings import Findings
from mfwb.verification.recorded import RecordedArtifact, RecordedFlowRun

__all__ = ["compare_digests", "digest_of_files"]

_FIRST_LINE = b"wandb-artifact-manifest-v1\n"


def digest_of_files(artifact: RecordedArtifact) -> str | None:
    """Return the digest of a version by its files; None if a checksum is not known."""
    digest = hashlib.md5(_FIRST_LINE, usedforsecurity=False)
    for path, file in sorted(artifact.files.items()):
        if file.md5 is None:
            return None
        digest.update(f"{path}:{file.md5}\n".encode())
    return digest.hexdigest()


def compare_digests(recorded: RecordedFlowRun, findings: Findings) -> None:
    """Note the versions whose digest is not that of their files, and files that are missing."""
    seen: set[str] = set()
    for run in recorded.runs:
        for version in run.logged:
            if version.key in seen:
                continue
            seen.add(version.key)
            item = f"{run.name} artifact {version.name}"
            for path, file in version.files.items():
                if file.md5 is None and file.reference is None:
                    cause = "the file was removed"
                    findings.differ("file", f"{item}, file {path}", run.name, path, None, cause)
            own = digest_of_files(version)
            if own is None:
                continue
            findings.count("digest")
            if own != version.digest:
                findings.differ(
                    "digest",
                    f"{item}, digest of its files",
                    run.name,
                    own,
                    version.digest,
                    "a file, or the list of the version's files, was damaged",
                    # W&B takes equal digests for equal content, so a sync uploads nothing.
                    repairable=version.version is None,
                )
