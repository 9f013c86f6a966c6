"""Blobs in S3, streamed. Metaflow's own reader downloads them to the current folder first.

Metaflow's reader also takes a missing bucket for a missing blob, tries for an hour to reach an S3
that does not answer, and starts a pool of processes for more than ten blobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from mfwb.errors import ItemLost, SourceError
from mfwb.operations import note_operation
from mfwb.ports import BlobLocation
from mfwb.source.datastore.blobs import GONE, Blob, is_gzipped, read_start

__all__ = ["S3Blobs"]

_MAX_RESUMES = 5  # of one blob, if the connection breaks; botocore itself repeats requests
_NOT_FOUND = frozenset({"NoSuchKey", "404"})
_ARCHIVED = "InvalidObjectState"
_URI_DELIMITERS = frozenset("?#")
_ATTRIBUTES = "metaflow-user-attributes"


class S3Blobs:
    """Reads objects with a client of boto3, which threads may share.

    Raises:
        SourceError: if boto3 can't make a client with its settings.
    """

    readers = 8  # boto3 keeps ten connections

    def __init__(self, connect: Callable[[], Any], root: str) -> None:
        parts = urlsplit(root, allow_fragments=False)
        try:
            self._client = connect()
        except BotoCoreError as error:
            raise _to_source_error(error) from error
        self._root = root.rstrip("/")
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")

    @contextmanager
    def open(self, path: str) -> Iterator[Blob | None]:
        """Yield a blob, or None if S3 answers that there is no such object."""
        note_operation("datastore", f"open {path}")
        answer = self._request(self._client.get_object, path)
        if answer is None:
            yield None
            return
        body = _Body(answer, lambda start: self._resume(path, start, answer["ETag"]))
        try:
            yield Blob(body, is_gzipped(_attributes(answer)), _written_at(answer))
        finally:
            body.close()

    def read_start(self, path: str, size: int) -> bytes | None:
        """Return the first bytes of a blob, at most `size`; None if there is no such blob."""
        return read_start(self, path, size)

    def locate(self, path: str) -> BlobLocation | None:
        """Return URI, size and ETag of an object by one HEAD request; ItemLost if it is gone.

        None if other programs would misread the URI: for them the path ends at `?` or `#`.
        """
        uri = f"{self._root}/{path}"
        if _URI_DELIMITERS.intersection(uri):
            return None
        answer = self._request(self._client.head_object, path)
        if answer is None:
            with self.open(
                path
            ):  # raises SourceError if the bucket is missing; HEAD does not show it
                raise ItemLost(GONE)
        version = answer.get("VersionId")
        return BlobLocation(
            uri,
            answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            gzipped=is_gzipped(_attributes(answer)),
            version=None if version == "null" else version,
        )

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all objects below a folder; a thousand for each request."""
        note_operation("datastore", f"list {folder}")
        prefix = f"{self._prefix}/{folder}/" if self._prefix else f"{folder}/"
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (entry["Key"].removeprefix(prefix) for entry in page.get("Contents", ()))
        except (BotoCoreError, ClientError) as error:
            raise _to_source_error(error) from error

    def _resume(self, path: str, start: int, etag: str) -> Any:
        answer = self._request(self._client.get_object, path, Range=f"bytes={start}-", IfMatch=etag)
        if answer is None:
            raise SourceError(f"{self._root}/{path} was deleted while it was read")
        return answer["Body"]

    def _request(self, call: Callable[..., Any], path: str, **options: str) -> Any:
        """Return S3's answer, or None if there is no such object."""
        key = f"{self._prefix}/{path}" if self._prefix else path
        try:
            return call(Bucket=self._bucket, Key=key, **options)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_FOUND:
                return None
            if code == _ARCHIVED:
                raise ItemLost("it is archived in S3, and has to be restored there") from None
            raise _to_source_error(error) from error
        except BotoCoreError as error:  # no credentials, no connection
            raise _to_source_error(error) from error


def _written_at(answer: Any) -> int | None:
    moment = answer.get("LastModified")
    return None if moment is None else round(moment.timestamp() * 1000)


class _Body:
    """The bytes of an object; when the connection breaks, the rest is requested."""

    def __init__(self, answer: Any, resume: Callable[[int], Any]) -> None:
        self._stream = answer["Body"]
        self._resume = resume
        self._position = 0
        self._resumes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most so many; SourceError if the connection breaks often."""
        try:
            chunk: bytes = self._stream.read(None if size < 0 else size)
        except (BotoCoreError, OSError) as error:
            if self._resumes == _MAX_RESUMES:
                raise _to_source_error(error) from error
            self._resumes += 1
            self._stream.close()
            self._stream = self._resume(self._position)
            return self.read(size)
        self._position += len(chunk)
        return chunk

    def close(self) -> None:
        """Drop the connection if something is left to read."""
        self._stream.close()


def _attributes(answer: Any) -> str | None:
    """Return the side metadata that Metaflow stored with the object."""
    text: str | None = answer.get("Metadata", {}).get(_ATTRIBUTES)
    return text


def _to_source_error(error: Exception) -> SourceError:
    return SourceError(f"Metaflow's datastore in S3 can't be read: {error}")
