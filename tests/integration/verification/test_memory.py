"""Memory does not grow with the size of the files that a verification reads."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

_MB = 1_000_000
_SIZE = 300 * _MB
_PART = bytes(_MB)

_PROGRAM = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
from mfwb.sink.client.downloads import download_to
from mfwb.verification.received import ReceivedFile

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

url, copied = sys.argv[1:]
api = SimpleNamespace(api_key="k" * 40)
before = peak()
with open(copied, "wb") as copy:
    received = ReceivedFile(copy, 10_000_000)
    assert download_to(api, url, url, received.write)
print(received.size, received.is_copied, received.md5, peak() - before)
"""


@pytest.fixture
def url() -> Iterator[str]:
    """Return the address of a large file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(_SIZE))
            self.end_headers()
            for _ in range(_SIZE // len(_PART)):
                self.wfile.write(_PART)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/file"
        server.shutdown()
        thread.join()


def test_a_file_of_300_mb(url: str, tmp_path: Path) -> None:
    """Its checksum is known, its copy ends at the limit, and it was never in memory."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, url, str(tmp_path / "copy")],
        capture_output=True,
        text=True,
        check=True,
    )

    size, is_copied, md5, growth = done.stdout.split()
    assert (int(size), is_copied) == (_SIZE, "False")
    assert md5 == "S6+ZiIszOnMw9cl8F+Wp3w=="
    assert (tmp_path / "copy").stat().st_size <= 10 * _MB
    assert int(growth) < 30 * _MB
