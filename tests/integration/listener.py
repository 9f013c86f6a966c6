"""A host on loopback that writes down what it is asked, and answers something."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Listener", "listening"]


@dataclass
class Listener:
    """What was asked.

    Attributes:
        url: where it listens; by a name that is another one than that of the W&B stand-in.
        requests: path and headers, the latter in lower case, of each request.
    """

    url: str
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for path, _ in self.requests]

    def values_of(self, header: str) -> set[str]:
        """Return the values that a header had."""
        return {headers[header] for _, headers in self.requests if header in headers}


@contextmanager
def listening(*, redirect_to: str | None = None) -> Iterator[Listener]:
    """Yield a host that answers each GET with an empty list, or with a redirection."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            reported = {name.lower(): value for name, value in self.headers.items()}
            listener.requests.append((self.path, reported))
            self.send_response(302 if redirect_to else 200)
            if redirect_to:
                self.send_header("Location", f"{redirect_to}{self.path}")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "HEAD", "CONNECT"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(f"http://localhost:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
