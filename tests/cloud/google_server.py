"""Serve Google Cloud Storage on loopback until standard input ends; print the port.

    python -m tests.cloud.google_server BUCKET FAULTS

FAULTS is a JSON file that may not exist yet: HTTP status codes by a part of the path.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

BUCKET, FAULTS = sys.argv[1:]


class Handler(RequestHandler):  # type: ignore[misc]  # it has no types
    """Answers like Google, or with the status that a test wants."""

    def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
        """Answer a request."""
        status = self._fault()
        if status is None:
            super().do_GET()
        else:
            self.send_error(status)

    def _fault(self) -> int | None:
        path = Path(FAULTS)
        faults: dict[str, int] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        status = next((status for part, status in faults.items() if part in self.path), None)
        return status or self._precondition()

    def _precondition(self) -> int | None:
        """Return the status for a blob of another generation, which the emulator does not check."""
        url = urlsplit(self.path)
        [wanted] = parse_qs(url.query).get("ifGenerationMatch", [""])
        _, _, key = url.path.partition(f"/b/{BUCKET}/o/")
        if not wanted or self.storage.get_file_obj(BUCKET, unquote(key))["generation"] == wanted:
            return None
        return 412


def main() -> None:
    """Print the port, then answer."""
    storage: Any = Storage(use_memory_fs=True)
    buckets.create_bucket(BUCKET, storage)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, storage))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server.serve_forever()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
