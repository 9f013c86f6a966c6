"""Downloads: who gets W&B's key, and which answers mean that there is no file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from wandb.errors import CommError

from mfwb.sink.client.downloads import download

API: Any = SimpleNamespace(api_key="k" * 40)  # the one public attribute that is used


@dataclass
class Bucket:
    """A server of files, and the credentials that it was sent."""

    port: int = 0
    status: int = 200
    credentials: list[str | None] = field(default_factory=list)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Return a server on this machine."""
    kept = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.credentials.append(self.headers.get("Authorization"))
            self.send_response(kept.status)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"bytes")

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


def test_the_key_goes_to_w_and_b_alone(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signed address of another host gets no key, and nothing that netrc has for it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = f"http://127.0.0.1:{bucket.port}/file"

    assert download(API, f"http://127.0.0.1:{bucket.port}", url) == b"bytes"
    assert download(API, "https://wandb.example.com", url) == b"bytes"

    own, foreign = bucket.credentials
    assert own is not None
    assert own.startswith("Basic ")
    assert foreign is None


@pytest.mark.parametrize("status", [404, 410])
def test_there_is_no_such_file(bucket: Bucket, status: int) -> None:
    """A clear answer."""
    bucket.status = status

    assert download(API, "https://wandb.example.com", f"http://127.0.0.1:{bucket.port}/") is None


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_any_other_answer_is_an_error(bucket: Bucket, status: int) -> None:
    """It has the status, by which the retries decide."""
    bucket.status = status

    with pytest.raises(CommError, match=f"returned error {status}"):
        download(API, "https://wandb.example.com", f"http://127.0.0.1:{bucket.port}/")


def test_no_answer_is_an_error() -> None:
    """A server that is not there, or breaks off, proves nothing."""
    with pytest.raises(CommError, match="download failed"):
        download(API, "https://wandb.example.com", "http://127.0.0.1:9/")
