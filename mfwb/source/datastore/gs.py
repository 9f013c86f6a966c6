"""Blobs in Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.retry import DEFAULT_RETRY
from metaflow.exception import MetaflowException
from requests import RequestException

from mfwb.errors import SourceError
from mfwb.source.datastore.cloud import StoredBlob

__all__ = ["GoogleBucket"]

_ATTRIBUTES = "metaflow-user-attributes"
_RETRY = DEFAULT_RETRY.with_timeout(60.0)  # seconds; as long as boto3 tries
_FAILURES = (GoogleAPIError, GoogleAuthError, MetaflowException, RequestException)


class GoogleBucket:
    """Looks up blobs with one client of Google's, which threads may share.

    Metaflow makes a client for each thread, and requests a token for each client.

    Args:
        root_client: Metaflow's `GSStorage.root_client`.

    Raises:
        SourceError: there are no credentials.
    """

    def __init__(self, root_client: Any) -> None:
        self._root = root_client
        with _as_source_error():
            self._bucket = root_client.get_bucket_client()
        self._exists = False  # whether the bucket is known to exist

    def look_up(self, path: str) -> StoredBlob | None:
        """Return a blob, or None if the bucket has none of that path."""
        blob = self._bucket.blob(self._root.get_blob_full_path(path))
        with _as_source_error():
            try:
                blob.reload(retry=_RETRY)
            except NotFound:
                self._assert_bucket()
                return None

        generation = blob.generation  # a download replaces what `blob` knows of itself

        def fetch(start: int, end: int) -> bytes:
            with _as_source_error():
                data: bytes = blob.download_as_bytes(
                    start=start,
                    end=end - 1,
                    raw_download=True,
                    if_generation_match=generation,
                    checksum=None,  # there is none of a range; the sha1 is checked
                    retry=_RETRY,
                )
            return data

        return StoredBlob(
            size=blob.size,
            etag=blob.etag,
            version=str(generation),
            attributes=(blob.metadata or {}).get(_ATTRIBUTES),
            updated=blob.updated,
            uri=f"gs://{self._bucket.name}/{blob.name}",
            fetch=fetch,
        )

    def list_names(self, folder: str) -> Iterator[str]:
        """Yield the paths of all blobs below a folder, relative to it."""
        prefix = f"{self._root.get_blob_full_path(folder)}/"
        with _as_source_error():
            for blob in self._bucket.list_blobs(prefix=prefix, retry=_RETRY):
                yield blob.name.removeprefix(prefix)

    def _assert_bucket(self) -> None:
        """Raise NotFound if the whole bucket is missing: Google's answer is the same."""
        if not self._exists:
            prefix = self._root.get_blob_full_path("")
            listing = self._bucket.list_blobs(max_results=1, prefix=prefix, retry=_RETRY)
            next(iter(listing), None)
            self._exists = True


@contextmanager
def _as_source_error() -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise SourceError(f"Metaflow's datastore in Google can't be read: {error}") from error
