"""How many bytes of files the upload of a W&B run took; `wandb sync` does not tell."""

from __future__ import annotations

from collections.abc import Collection

from mfwb.sink.content.receipt import Receipt
from mfwb.sink.push.upload import Upload

__all__ = ["bytes_sent"]


def bytes_sent(
    upload: Upload, receipt: Receipt, *, refused: Collection[tuple[str, str]] = ()
) -> int:
    """Return the bytes of the files that W&B did not have.

    Args:
        upload: the W&B run, after it has arrived.
        receipt: what has arrived, and which of it W&B had before.
        refused: artifacts that W&B did not take, by their names there and their digests.
    """
    same = {(output.name, output.digest) for output in receipt.outputs if output.deduplicated}
    artifacts = (
        artifact
        for artifact in map(upload.with_wandb_name, upload.run.logged)
        if artifact.content not in same and artifact.content not in refused
    )
    original = upload.run.header.original
    shown = (f"{original.files}/{path}" for path in upload.run.media)
    files = original.manifest.files
    return sum(artifact.size for artifact in artifacts) + sum(
        files[path].size for path in shown if path in files
    )
