"""`wandb.Artifact` objects, made without a second copy of any byte."""

from __future__ import annotations

import threading

import wandb

from mfwb.ports import ReadyArtifact
from mfwb.sink.private import copy_manifest

__all__ = ["make_artifact", "make_reference_to"]

_construction = threading.Lock()  # wandb.Artifact() fails in concurrent threads (0.31.0)


def make_artifact(ready: ReadyArtifact) -> wandb.Artifact:
    """Return an artifact whose files stay where they are: they are not staged nor cached."""
    planned = ready.planned
    with _construction:
        artifact = wandb.Artifact(planned.name, type=planned.type, metadata=planned.metadata)
    for file in ready.files:
        if file.uri is not None:
            artifact.add_reference(file.uri, name=file.path, checksum=False)
        else:
            artifact.add_file(str(file.local), name=file.path, policy="immutable", skip_cache=True)
    return artifact


def make_reference_to(logged: wandb.Artifact) -> wandb.Artifact:
    """Return a draft with the same content as an artifact that was logged offline.

    A draft belongs to one record: W&B gives each an id of its own.
    """
    with _construction:
        draft = wandb.Artifact(logged.name, type=logged.type, metadata=logged.metadata)
    copy_manifest(logged, draft)
    return draft
