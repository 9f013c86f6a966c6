"""A stand-in for Metaflow's metadata service: enough of it to run flows and to read them.

It keeps what is posted, and answers as the service does (2.5), on loopback.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["MetadataService", "metadata_service"]

_MADE = {"run": "run_number", "task": "task_id"}  # what the service gives numbers to
_KEPT = ("artifact", "metadata")  # lists of a task
_METADATA_OF_RUN = re.compile(r"/flows/[^/]+/runs/[^/]+/metadata")
_MADE_BY = re.compile(r"(?P<parent>.*)/(?P<kind>run|step|task)")


class MetadataService:
    """What was posted.

    Attributes:
        url: where it listens.
        objects: flows, runs, steps and tasks by their path.
        lists: artifacts and metadata by the path of their task, and `/artifact` or `/metadata`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._number = 0

    def post(self, path: str, body: Any) -> Any:
        """Return the answer to a POST."""
        with self._lock:
            location, _, last = path.rpartition("/")
            if last == "heartbeat":
                self.objects[location]["last_heartbeat_ts"] = int(time.time())
                return json.dumps({"wait_time_in_seconds": 10})
            if last in _KEPT:
                self.lists.setdefault(path, []).extend(
                    {"ts_epoch": _now(), **item} for item in body
                )
                return {}
            if made := _MADE_BY.fullmatch(path):
                kind = made["kind"]
                if kind in _MADE:
                    self._number += 1
                    body[_MADE[kind]] = body.get(_MADE[kind]) or self._number
                name = last if kind == "step" else body[_MADE[kind]]
                at = made["parent"] if kind == "step" else f"{made['parent']}/{kind}s/{name}"
            else:
                at = path
            self.objects[at] = {"ts_epoch": _now(), **body}
            return self.objects[at]

    def get(self, path: str) -> Any:
        """Return the answer to a GET; None if there is no such thing."""
        with self._lock:
            if path in self.objects:
                return self.objects[path]
            parent, _, last = path.rpartition("/")
            if _METADATA_OF_RUN.fullmatch(path) and parent in self.objects:
                return [row for task in self.lists for row in self._rows_of(task, parent)]
            if last in {"artifacts", "metadata"} and parent in self.objects:
                return self.lists.get(f"{parent}/{last.removesuffix('s')}", [])
            above, _, before = parent.rpartition("/")
            if before == "artifacts":
                result = self.lists.get(f"{above}/artifact", [])
                return next((item for item in reversed(result) if item["name"] == last), None)
            if not parent or parent in self.objects:
                below = re.compile(rf"{re.escape(path)}/[^/]+")
                return [item for at, item in self.objects.items() if below.fullmatch(at)]
            return None

    def _rows_of(self, task: str, run: str) -> list[dict[str, Any]]:
        """Return the metadata of a task of a flow run, with the names of step and task."""
        path = re.fullmatch(rf"{re.escape(run)}/steps/([^/]+)/tasks/([^/]+)/metadata", task)
        if path is None:
            return []
        return [{**row, "step_name": path[1], "task_id": path[2]} for row in self.lists[task]]


def _now() -> int:
    return round(time.time() * 1000)


@contextmanager
def metadata_service() -> Iterator[MetadataService]:
    """Yield a service that listens."""
    service = MetadataService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/ping":
                reported: Any = "pong"
            elif self.command == "POST":
                reported = service.post(self.path, json.loads(body or "{}"))
            else:
                reported = service.get(self.path)
            data = json.dumps(reported).encode()
            self.send_response(404 if reported is None else 200)
            self.send_header("METADATA_SERVICE_VERSION", "2.5.1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()
