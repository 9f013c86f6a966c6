"""References: entries of W&B artifacts for bytes that stay in their store."""

from __future__ import annotations

from urllib.parse import urlsplit

import wandb

from mfwb.ports import ReadyFile
from mfwb.sink.client.private import add_reference_entry

__all__ = ["add_reference"]


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
        extra=_extra(file, file.etag),
    )


def _extra(file: ReadyFile, etag: str) -> dict[str, str | int]:
    """Return what W&B's handlers store beside the checksum.

    The one for Google stores no ETag, and the version as a number.
    """
    if urlsplit(file.uri or "").scheme == "gs":
        return {} if file.version is None else {"versionID": int(file.version)}
    return {"etag": etag} if file.version is None else {"etag": etag, "versionID": file.version}
