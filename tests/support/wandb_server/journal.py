"""A note of every request, to count them and to wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["graphql", "file_stream", "upload", "download", "other"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request before it is carried out.

    Attributes:
        kind: the kind of route.
        operation: the GraphQL operation, such as "CreateArtifact"; empty elsewhere.
        variables: the variables of the GraphQL request, or the body of a file stream request.
        text: the GraphQL request itself.
        path: the path of the address, which ends in the file name for uploads and downloads.
    """

    kind: Kind
    operation: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    method: str = "POST"
    text: str = field(default="", repr=False)


Match = str | Callable[[Incoming], bool]


def fits(match: Match, incoming: Incoming) -> bool:
    """Say whether a request is meant: by its kind, its operation, or a predicate."""
    if callable(match):
        return match(incoming)
    return match in (incoming.kind, incoming.operation)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered.

    Attributes:
        status: the HTTP status, or None if the connection was cut instead.
        error: what a refused GraphQL request was told.
        sent: the number of bytes of the body.
        arrived: when it came, in seconds of the monotonic clock.
        seconds: how long the answer took.
    """

    incoming: Incoming
    status: int | None
    error: str
    sent: int
    arrived: float
    seconds: float

    @property
    def kind(self) -> Kind:
        """Return the kind of route."""
        return self.incoming.kind

    @property
    def operation(self) -> str:
        """Return the GraphQL operation."""
        return self.incoming.operation

    @property
    def variables(self) -> Mapping[str, Any]:
        """Return the GraphQL variables."""
        return self.incoming.variables

    @property
    def path(self) -> str:
        """Return the path of the address."""
        return self.incoming.path


class Journal:
    """All requests so far."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._changed = threading.Condition()

    def note(self, request: Request) -> None:
        """Add a request."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all requests."""
        with self._changed:
            self._requests.clear()

    def requests(self, match: Match | None = None) -> list[Request]:
        """Return the requests so far, or those meant."""
        with self._changed:
            return self._meant(match)

    def _meant(self, match: Match | None) -> list[Request]:
        return [r for r in self._requests if match is None or fits(match, r.incoming)]

    def wait_for(self, match: Match, times: int, timeout: float) -> list[Request]:
        """Return the requests meant as soon as there are that many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._meant(match)) >= times, timeout):
                raise TimeoutError(f"{len(self._meant(match))} of {times} requests came")
            return self._meant(match)
