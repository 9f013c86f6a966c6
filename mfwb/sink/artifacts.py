"""`wandb.Artifact` objects, made without a second copy of any byte."""

from __future__ import annotations

import threading

import wandb

from mfwb.ports import ReadyArtifact

__all__ = ["make_artifact"]

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
