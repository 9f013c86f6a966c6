"""Entries of W&B artifacts for bytes that stay where they are."""

from __future__ import annotations

from urllib.parse import urlsplit

import wandb

from mfwb.ports import ReadyFile
from mfwb.sink.client.private import add_reference_entry

__all__ = ["add_reference"]


def add_reference(artifact: wandb.Artifact, file: ReadyFile) -> None:
    """Refer to a file by its URI; nobody is asked what lies there.

    With an ETag the entry is what W&B's own handler of the scheme makes of the object: it can
    tell on download whether another one lies there by then. Without one it is told apart by its
    URI alone, but for a local file, which is read for its checksum.
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
        extra=_extra(file, file.etag),
    )


def _extra(file: ReadyFile, etag: str) -> dict[str, str]:
    """Return what W&B's handlers note beside the checksum; Google's notes no ETag."""
    noted = {} if urlsplit(file.uri or "").scheme == "gs" else {"etag": etag}
    return noted if file.version is None else {**noted, "versionID": file.version}
