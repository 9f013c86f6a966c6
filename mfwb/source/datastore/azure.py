"""Blobs in Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from metaflow.exception import MetaflowException

from mfwb.errors import ItemLost, SourceError
from mfwb.source.datastore.cloud import StoredBlob

__all__ = ["AzureContainer"]

_ATTRIBUTES = "metaflow_user_attributes"
_HOSTS = ".blob.core.windows.net"  # W&B follows references to no others
_NOT_FOUND = "BlobNotFound"
_ARCHIVED = frozenset({"BlobArchived", "BlobBeingRehydrated"})


class AzureContainer:
    """Looks up blobs with one client of Azure's, which threads may share.

    Args:
        storage: Metaflow's `AzureStorage`.

    Raises:
        SourceError: there are no credentials, or no settings of the account.
    """

    def __init__(self, storage: Any) -> None:
        try:
            with _as_source_error():
                self._root = storage.root_client
                self._container = self._root.get_blob_container_client()
        except ValueError as error:  # a root or an endpoint that Azure can't have
            raise _to_source_error(error) from error

    def look_up(self, path: str) -> StoredBlob | None:
        """Return a blob, or None if the container has none of that path."""
        client = self._container.get_blob_client(self._root.get_blob_full_path(path))
        with _as_source_error():
            try:
                properties = client.get_blob_properties()
            except HttpResponseError as error:
                if _code(error) == _NOT_FOUND:
                    return None
                raise

        def fetch(start: int, end: int) -> bytes:
            with _as_source_error():
                data: bytes = client.download_blob(
                    offset=start,
                    length=end - start,
                    etag=properties.etag,
                    match_condition=MatchConditions.IfNotModified,
                ).readall()
            return data

        return StoredBlob(
            size=properties.size,
            etag=properties.etag.strip('"'),
            version=properties.version_id,
            attributes=(properties.metadata or {}).get(_ATTRIBUTES),
            updated=properties.last_modified,
            uri=_uri(client.url),
            fetch=fetch,
        )

    def list_names(self, folder: str) -> Iterator[str]:
        """Yield the paths of all blobs below a folder, relative to it."""
        prefix = f"{self._root.get_blob_full_path(folder)}/"
        with _as_source_error():
            for name in self._container.list_blob_names(name_starts_with=prefix):
                yield name.removeprefix(prefix)


def _uri(url: str) -> str | None:
    """Return the URI of a blob for W&B, which takes the path as it is; None for other hosts."""
    uri = url.partition("?")[0]  # a signature may follow
    return uri if urlsplit(uri).netloc.endswith(_HOSTS) and "%" not in uri else None


@contextmanager
def _as_source_error() -> Iterator[None]:
    try:
        yield
    except (AzureError, MetaflowException) as error:
        if _code(error) in _ARCHIVED:
            raise ItemLost("it is archived in Azure, and has to be restored there") from None
        raise _to_source_error(error) from error


def _code(error: Exception) -> str:
    """Return Azure's code of an error; the SDK has a text or a member of an enum of texts."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _to_source_error(error: Exception) -> SourceError:
    text = str(error).partition("\n")[0]  # ids of the request and its whole answer follow
    code = _code(error)
    return SourceError(
        f"Metaflow's datastore in Azure can't be read: {text}{f' ({code})' if code else ''}"
    )
