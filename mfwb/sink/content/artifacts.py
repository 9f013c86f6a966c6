"""`wandb.Artifact` objects, created without a second copy of any byte."""

from __future__ import annotations

from typing import Any

import wandb

from mfwb.ports import ReadyArtifact
from mfwb.sink.client.collections import NEWEST_START_KEY
from mfwb.sink.client.private import add_local_file
from mfwb.sink.content.references import add_reference

__all__ = ["artifact_metadata", "make_artifact"]


def make_artifact(ready: ReadyArtifact, started_at: int) -> wandb.Artifact:
    """Return an artifact whose files stay in place: W&B neither stages nor caches them.

    Args:
        ready: its files and metadata.
        started_at: the start of its flow run, in epoch ms.
    """
    planned = ready.planned
    artifact = wandb.Artifact(
        planned.name,
        type=planned.type,
        description=ready.description or None,
        metadata={**artifact_metadata(ready), "mfwb": {NEWEST_START_KEY: started_at}},
    )
    for file in ready.files:
        if file.uri is not None:
            add_reference(artifact, file)
        elif file.md5 is not None:
            add_local_file(artifact, file.path, file.local, md5=file.md5, size=file.size)
        else:
            artifact.add_file(str(file.local), name=file.path, policy="immutable", skip_cache=True)
    return artifact


def artifact_metadata(ready: ReadyArtifact) -> dict[str, Any]:
    """Return the planned metadata, with what comes from rules, and the facts from the bytes."""
    planned = ready.planned.metadata
    if ready.rule is not None:
        planned = {**ready.rule.metadata, **planned}
    if not ready.metadata:
        return planned
    return {**planned, "metaflow": {**planned.get("metaflow", {}), **ready.metadata}}
