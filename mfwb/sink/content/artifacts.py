"""`wandb.Artifact` objects, created without a second copy of any byte."""

from __future__ import annotations

from urllib.parse import urlsplit

import wandb

from mfwb.ports import ReadyArtifact, ReadyFile
from mfwb.sink.client.private import add_local_file, add_reference_entry
from mfwb.sink.content.artifact_metadata import metadata_to_write
from mfwb.sink.content.references import extra_of_reference

__all__ = ["add_reference", "make_artifact"]


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
        metadata=metadata_to_write(ready, started_at),
    )
    for file in ready.files:
        if file.uri is not None:
            add_reference(artifact, file)
        elif file.md5 is not None:
            add_local_file(artifact, file.path, file.local, md5=file.md5, size=file.size)
        else:
            artifact.add_file(str(file.local), name=file.path, policy="immutable", skip_cache=True)
    return artifact


def add_reference(artifact: wandb.Artifact, file: ReadyFile) -> None:
    """Add a reference to a file by its URI; no request is sent to its store.

    With an ETag, the entry equals that of W&B's own handler of the scheme: on download W&B
    notices if the object has changed. Without an ETag only the URI identifies it. A local file
    is read for its checksum.
    """
    if file.uri is None:
        raise ValueError(f"{file.path} has no URI")
    if file.etag is None:
        local = urlsplit(file.uri).scheme == "file"
        artifact.add_reference(file.uri, name=file.path, checksum=local)
        return
    add_reference_entry(
        artifact,
        path=file.path,
        ref=file.uri,
        digest=file.etag,
        size=file.size,
        extra=extra_of_reference(file.uri, file.etag, file.version),
    )
