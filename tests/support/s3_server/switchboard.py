"""What stands between clients and moto: it notes every request and lets some go wrong."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["CONTROL", "Fault", "Switchboard"]

CONTROL = "/__control__"
"""Below it lie `requests` (GET) and `faults` (PUT a list of them); `requests` forgets on DELETE."""

_App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_ERROR = "<Error><Code>{code}</Code><Message>as planned</Message></Error>"
_CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Fault:
    """What happens to the next requests of a method whose path has a part.

    Attributes:
        method: as in GET.
        part: of the path.
        status: answer with this status, nothing done.
        cut_after: or do what was asked, and drop the connection after so many bytes of the body.
        times: how often; None is always.
    """

    method: str
    part: str
    status: int | None = None
    cut_after: int | None = None
    times: int | None = None


class Switchboard:
    """A WSGI application around another one."""

    def __init__(self, inner: _App) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._requests: list[str] = []
        self._faults: list[Fault] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self._control(method, path.removeprefix(f"{CONTROL}/"), environ, start)
        with self._lock:
            self._requests.append(f"{method} {path}")
            fault = self._fault(method, path)
        if fault is None:
            return self._inner(environ, start)
        if fault.status is not None:
            body = _ERROR.format(code=_CODES[fault.status]).encode()
            start(f"{fault.status} as planned", [("Content-Length", str(len(body)))])
            return [b"" if method == "HEAD" else body]
        return self._cut(environ, start, fault.cut_after or 0)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.method == method and fault.part in path and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def _cut(
        self, environ: dict[str, Any], start: Callable[..., Any], after: int
    ) -> Iterable[bytes]:
        body = b"".join(self._inner(environ, start))
        yield body[:after]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)

    def _control(
        self, method: str, what: str, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        with self._lock:
            if method == "PUT":
                given = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                self._faults = [Fault(**load) for load in json.loads(given)]
            elif method == "DELETE":
                self._requests = []
            known = {
                "requests": self._requests,
                "faults": [asdict(fault) for fault in self._faults],
            }
            reported = json.dumps(known[what]).encode()
        start("200 OK", [("Content-Length", str(len(reported)))])
        return [reported]
