"""Metadata of W&B artifacts."""

from __future__ import annotations

from typing import Any

from mfwb.ports import ReadyArtifact
from mfwb.sink.client.version_keys import NEWEST_START_KEY

__all__ = ["artifact_metadata", "metadata_to_write"]


def metadata_to_write(ready: ReadyArtifact, started_at: int) -> dict[str, Any]:
    """Return the whole metadata of a new version.

    Args:
        ready: the artifact.
        started_at: the start of its flow run, in epoch ms.
    """
    return {**artifact_metadata(ready), "mfwb": {NEWEST_START_KEY: started_at}}


def artifact_metadata(ready: ReadyArtifact) -> dict[str, Any]:
    """Return the planned metadata, with what comes from rules, and the facts from the bytes."""
    planned = ready.planned.metadata
    if ready.rule is not None:
        planned = {**ready.rule.metadata, **planned}
    if not ready.metadata:
        return planned
    return {**planned, "metaflow": {**planned.get("metaflow", {}), **ready.metadata}}
