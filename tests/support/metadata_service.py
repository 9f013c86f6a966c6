"""A stand-in for Metaflow's metadata service, on loopback: what a local datastore has of metadata.

    with closing(MetadataService(root)) as service:
        service.fail("tasks/2/metadata", status=500)
        sandbox.mfwb("sync", "Flow/1", "--metadata", f"service@{service.url}")

It answers what reading needs, each path with the records of Metaflow's local provider. Requests
go wrong on demand.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["MetadataService"]

_LEVELS = ("flows", "runs", "steps", "tasks")
_OF_A_TASK = {"metadata": "sysmeta_*.json", "artifacts": "*_artifact_*.json"}


@dataclass(frozen=True)
class _Fault:
    pattern: re.Pattern[str]
    status: int
    body: bytes
    kind: str
    times: int
    seconds: float


class MetadataService:
    """Serves the metadata below a folder that has a `.metaflow`, until it is closed."""

    def __init__(self, root: Path) -> None:
        self.requests: list[str] = []
        self.clock_ahead = 0.0  # seconds by which its header `Date` is wrong
        self._root = root / ".metaflow"
        self._faults: list[_Fault] = []
        self._met: dict[_Fault, int] = {}
        self._held: list[tuple[re.Pattern[str], threading.Event]] = []
        self._over = threading.Event()
        self._drips = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.requests.append(self.path)
                status, body, kind = service._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("METADATA_SERVICE_VERSION", "2.5.0")
                self.end_headers()
                if not service._drips:
                    self.wfile.write(body)
                    return
                for item in body:
                    self.wfile.write(bytes([item]))
                    if service._over.wait(0.3):
                        return

            def date_time_string(self, timestamp: float | None = None) -> str:
                moment = time.time() if timestamp is None else timestamp
                return super().date_time_string(moment + service.clock_ahead)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: a client was ended, as it should be."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Serve no more; who still waits for an answer gets it now."""
        self._over.set()
        for _, released in self._held:
            released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(  # noqa: PLR0913 - they are what can go wrong
        self,
        pattern: str,
        *,
        status: int = 200,
        body: str = "trouble",
        kind: str = "text/plain",
        times: int = 1_000_000,
        seconds: float = 0,
    ) -> None:
        """Let requests go wrong whose path has a pattern: another answer, or a late one."""
        fault = _Fault(re.compile(pattern), status, body.encode(), kind, times, seconds)
        self._faults.append(fault)

    def hold(self, pattern: str) -> threading.Event:
        """Return what lets requests go whose path has a pattern: they wait until it is set."""
        self._held.append((re.compile(pattern), released := threading.Event()))
        return released

    def drip(self) -> None:
        """Let all answers come byte by byte, a few each second."""
        self._drips = True

    def mend(self) -> None:
        """Let no more requests go wrong."""
        self._faults.clear()

    def _answer(self, path: str) -> tuple[int, bytes, str]:
        for pattern, released in self._held:
            if pattern.search(path):
                released.wait()
        for fault in self._faults:
            if fault.pattern.search(path) and self._met.get(fault, 0) < fault.times:
                self._met[fault] = self._met.get(fault, 0) + 1
                self._over.wait(fault.seconds)
                return fault.status, fault.body, fault.kind
        if path == "/ping":
            return 200, b"pong", "text/plain"
        result = self._find(path.strip("/").split("/"))
        status = 404 if result is None else 200
        return status, json.dumps(result).encode(), "application/json"

    def _find(self, parts: Sequence[str]) -> object:
        """Return the record, or the list of records, that a path is about; None: there is none."""
        names, about = parts[1::2], parts[::2]
        if list(about) == ["flows", "runs", "metadata"]:
            files = self._root.joinpath(*names).glob(f"*/*/_meta/{_OF_A_TASK['metadata']}")
            return [json.loads(file.read_bytes()) for file in files]
        if not set(about) <= {*_LEVELS, *_OF_A_TASK}:
            return None
        folder = self._root.joinpath(*names)
        if len(parts) % 2 == 0:
            return _record(folder)
        if len(parts) > 1 and _record(folder) is None:
            return None
        if pattern := _OF_A_TASK.get(parts[-1]):
            return [json.loads(file.read_bytes()) for file in (folder / "_meta").glob(pattern)]
        return [
            record for path in sorted(folder.iterdir()) if (record := _record(path)) is not None
        ]


def _record(folder: Path) -> object:
    file = folder / "_meta" / "_self.json"
    return json.loads(file.read_bytes()) if file.is_file() else None
