"""Requests to one W&B project, counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.downloads import download, download_to
from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import nodes, require
from mfwb.verification.recorded import Receiver

__all__ = ["Requests", "pages"]


class Requests:
    """GraphQL and downloads, tried again while W&B is in trouble; for any number of threads."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self.entity, self.project = entity, project
        self._client = client
        self._path = f"{entity}/{project}"
        self._sent = 0
        self._lock = threading.Lock()

    @property
    def sent(self) -> int:
        """The number of requests so far, those that failed included."""
        return self._sent

    def query(self, text: str, purpose: str, **variables: Any) -> dict[str, Any]:
        """Return the answer to a GraphQL query about the project; SinkError."""
        everything = {"entity": self.entity, "project": self.project, **variables}

        def send(api: Any) -> dict[str, Any]:
            self._count()
            return execute_graphql(api, text, everything)

        return self._client.call(self._path, send, purpose)

    def download(self, url: str, purpose: str) -> bytes | None:
        """Return the bytes at an address; None if W&B says that there are none; SinkError."""

        def send(api: Any) -> bytes | None:
            self._count()
            return download(api, self._client.base_url, url)

        return self._client.call(self._path, send, purpose)

    def download_to(self, receiver: Receiver, url: str, purpose: str) -> bool:
        """Return whether there is a file at an address, after a receiver got it; SinkError."""

        def send(api: Any) -> bool:
            self._count()
            receiver.begin()
            return download_to(api, self._client.base_url, url, receiver.write)

        return self._client.call(self._path, send, purpose)

    def _count(self) -> None:
        with self._lock:
            self._sent += 1


def pages(first: Any, fetch: Callable[[str], Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes of a connection and of the pages that follow it.

    Args:
        first: the first page.
        fetch: returns the page after a cursor.
    """
    connection = first
    seen: set[str] = set()
    while True:
        yield from nodes(connection)
        page = require(connection, "pageInfo")
        cursor = require(page, "endCursor") if require(page, "hasNextPage") else None
        if cursor is None:
            return
        if cursor in seen:
            raise SinkError("W&B answered the same page twice")
        seen.add(cursor)
        connection = fetch(cursor)
