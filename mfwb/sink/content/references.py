"""References: entries of W&B artifacts for bytes that stay in their store."""

from __future__ import annotations

from urllib.parse import urlparse, urlsplit

__all__ = ["extra_of_reference", "trimmed_uri"]

_AZURE = ".blob.core.windows.net"


def extra_of_reference(uri: str, etag: str, version: str | None) -> dict[str, str | int]:
    """Return what W&B's handlers store beside the checksum.

    The one for Google stores no ETag, and the version as a number.
    """
    if urlsplit(uri).scheme == "gs":
        return {} if version is None else {"versionID": int(version)}
    return {"etag": etag} if version is None else {"etag": etag, "versionID": version}


def trimmed_uri(uri: str) -> str:
    """Return a URI as W&B's handlers store it if they read nothing (wandb 0.31.0).

    Those for S3, Google and Azure leave out the query and the fragment.
    """
    parts = urlparse(uri)  # it cuts off `;parameters`, too
    if parts.scheme == "s3":
        return f"s3://{parts.netloc}/{parts.path[1:]}"
    if parts.scheme == "gs":
        return f"gs://{parts.netloc}/{parts.path.lstrip('/')}"
    if parts.scheme == "https" and parts.netloc.endswith(_AZURE):
        return f"https://{parts.netloc}{parts.path}"
    return uri
