"""A server on loopback that gives each request the same answer, which may be none at all.

with odd_server(ODD_ANSWERS["html-200"]) as url: ...
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType

__all__ = ["ODD_ANSWERS", "odd_server"]

Answer = Callable[[socket.socket, threading.Event], None]

_LARGEST_HEAD = 1 << 20
_PAUSE = 0.2  # seconds between the bytes of an answer that drips
_REASONS = MappingProxyType({200: "OK", 429: "Too Many Requests", 502: "Bad Gateway"})


@contextmanager
def odd_server(answer: Answer) -> Iterator[str]:
    """Yield the URL of a server that answers in this way until the end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=_serve, args=(listener, answer, over), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def _serve(listener: socket.socket, answer: Answer, over: threading.Event) -> None:
    while not over.is_set():
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            threading.Thread(target=_handle, args=(connection, answer, over), daemon=True).start()


def _handle(connection: socket.socket, answer: Answer, over: threading.Event) -> None:
    with connection, suppress(OSError):
        connection.settimeout(30)
        if _read_request(connection):
            answer(connection, over)


def _read_request(connection: socket.socket) -> bool:
    """Read a request whole, else its end would look like a connection that is reset."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part or len(data) > _LARGEST_HEAD:
            return False
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    missing = (lengths[0] if lengths else 0) - len(body)
    while missing > 0 and (part := connection.recv(65536)):
        missing -= len(part)
    return True


def _says(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Answer:
    lines = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    reason = _REASONS.get(status, "Odd")
    whole = f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + body
    return lambda connection, _: connection.sendall(whole)


def _resets(connection: socket.socket, _: threading.Event) -> None:
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _half(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    connection.sendall(b"Content-Length: 1000\r\n\r\n{")


def _closes(_: socket.socket, __: threading.Event) -> None:
    """Close the connection, with nothing said."""


def _is_silent(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def _drips(connection: socket.socket, over: threading.Event) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Long: " + b"x" * 10_000:
        connection.sendall(bytes([byte]))
        if over.wait(_PAUSE):
            return


def _speaks_tls(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28")  # a fatal alert, as of a port with TLS


_PAGE = b"<html><body><h1>Please log in</h1></body></html>"
_UNKNOWN = b'{"errors":[{"message":"Unknown operation named \\"Viewer\\"."}]}'
_LACKS = b'{"errors":[{"message":"Cannot query field \\"viewer\\" on type \\"Query\\"."}]}'

ODD_ANSWERS: Mapping[str, Answer] = MappingProxyType(
    {
        "unknown-operation-200": _says(200, _UNKNOWN),
        "unknown-operation-400": _says(400, _UNKNOWN),
        "lacks-a-field-200": _says(200, _LACKS),
        "lacks-a-field-400": _says(400, _LACKS),
        "html-200": _says(200, _PAGE, "text/html"),
        "html-as-json": _says(200, _PAGE),
        "empty-200": _says(200),
        "null": _says(200, b"null"),
        "list": _says(200, b"[1, 2]"),
        "number": _says(200, b"7"),
        "text": _says(200, b'"text"'),
        "truncated": _says(200, b'{"data": {"viewer": {"id": "VXN'),
        "data-null": _says(200, b'{"data": null}'),
        "data-list": _says(200, b'{"data": []}'),
        "viewer-text": _says(200, b'{"data": {"viewer": "me"}}'),
        "viewer-null": _says(200, b'{"data": {"viewer": null}}'),
        "errors-text": _says(200, b'{"errors": "no"}'),
        "errors-numbers": _says(200, b'{"errors": [1, null]}'),
        "deep": _says(200, b"[" * 100_000),
        "not-utf-8": _says(200, b'{"data": "\xff\xfe"}'),
        "created-204": _says(204),
        "redirect-loop": _says(302, Location="/graphql"),
        "redirect-nowhere": _says(301, Location=""),
        "redirect-file": _says(302, Location="file:///etc/passwd"),
        "401": _says(401, b'{"errors":[{"message":"user is not logged in"}]}'),
        "401-html": _says(401, _PAGE, "text/html"),
        "403": _says(403, b'{"errors":[{"message":"permission denied"}]}'),
        "404": _says(404, b"404 page not found", "text/plain"),
        "409": _says(409, b'{"error":"conflict"}'),
        "418": _says(418),
        "429": _says(429, b"{}", Retry_After="1"),
        "429-odd": _says(429, b"{}", Retry_After="soon"),
        "429-long": _says(429, b"{}", Retry_After="86400"),
        "429-negative": _says(429, b"{}", Retry_After="-5"),
        "500": _says(500, b'{"errors":[{"message":"internal"}]}'),
        "502-html": _says(502, _PAGE, "text/html"),
        "503": _says(503),
        "no-http": lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "bad-length": _says(200, b"{}", Content_Length="many"),
        "bad-encoding": _says(200, b"{}", Content_Encoding="gzip"),
        "reset": _resets,
        "half": _half,
        "closes": _closes,
        "silence": _is_silent,
        "drips": _drips,
        "tls": _speaks_tls,
    }
)
"""By a name, what the server does once it has read a request."""
