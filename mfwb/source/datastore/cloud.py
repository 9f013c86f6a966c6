"""Blobs in Google's and Microsoft's clouds, read by Metaflow; written from its code, untested."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metaflow.exception import MetaflowException

from mfwb.errors import ItemLost, SourceError
from mfwb.operations import note_operation
from mfwb.ports import BlobLocation
from mfwb.source.datastore.blobs import GONE, Blob, is_gzipped

__all__ = [
    "DownloadedBlobs",
    "azure_errors",
    "google_errors",
    "locate_in_azure",
    "locate_in_google",
]

_AZURE_HOSTS = ".blob.core.windows.net"  # W&B takes no others for Azure's


class DownloadedBlobs:
    """Reads files that Metaflow downloads to a temporary folder of its own."""

    readers = 8

    def __init__(
        self,
        storage: Any,
        get_client: Callable[[str], Any],
        locate: Callable[[Any], BlobLocation | None],
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._storage = storage
        self._get_client = get_client  # returns the cloud's own object for a blob
        self._locate = locate
        self._failures = (MetaflowException, *failures)

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if Metaflow reports that there is none."""
        note_operation("datastore", f"open {path}")
        with self._as_source_error(), self._storage.load_bytes([path]) as loaded:
            _, local, metadata = next(iter(loaded))
            if local is None:
                yield None
                return
            with Path(local).open("rb") as stream:
                yield Blob(stream, is_gzipped(None if metadata is None else json.dumps(metadata)))

    def locate(self, path: str) -> BlobLocation | None:
        """Return the location of a blob for other machines, or None; ItemLost if it is gone."""
        with self._as_source_error():
            blob = self._get_client(path)
            if not blob.exists():
                raise ItemLost(GONE)
            return self._locate(blob)

    @contextmanager
    def _as_source_error(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise SourceError(f"Metaflow's datastore can't be read: {error}") from error


def locate_in_google(blob: Any) -> BlobLocation:
    """Return the location of a Google blob, as W&B's handler of gs:// expects it."""
    blob.reload()
    return BlobLocation(
        f"gs://{blob.bucket.name}/{blob.name}",
        blob.size,
        etag=blob.etag,
        gzipped=_is_gzipped(blob.metadata, "metaflow-user-attributes"),
        version=str(blob.generation),
    )


def locate_in_azure(client: Any) -> BlobLocation | None:
    """Return the location of an Azure blob, as W&B's handler of Azure expects it."""
    uri = client.url.partition("?")[0]  # a signature may follow
    if not urlsplit(uri).netloc.endswith(_AZURE_HOSTS):
        return None
    properties = client.get_blob_properties()
    return BlobLocation(
        uri,
        properties.size,
        etag=properties.etag.strip('"'),
        gzipped=_is_gzipped(properties.metadata, "metaflow_user_attributes"),
        version=properties.version_id,
    )


def google_errors() -> tuple[type[Exception], ...]:
    """Return the errors of Google that Metaflow lets through."""
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - with Metaflow's
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - datastore `gs` only

    return GoogleAPIError, GoogleAuthError


def azure_errors() -> tuple[type[Exception], ...]:
    """Return the errors of Azure that Metaflow lets through."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - with datastore `azure` only

    return (AzureError,)


def _is_gzipped(metadata: dict[str, str] | None, name: str) -> bool:
    return is_gzipped((metadata or {}).get(name))
