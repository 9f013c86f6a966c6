"""A stand-in for the two services of AWS that `step-functions create --only-json` asks.

It has one queue of AWS Batch, on EC2, and no state machine; nothing can be created in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

__all__ = ["served_aws"]

_ANSWER = {
    "stateMachines": [],
    "jobDefinitions": [],
    "jobDefinitionArn": "arn:aws:batch:us-east-1:1:job-definition/mfwb:1",
    "jobQueues": [{"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "ec2"}]}],
    "computeEnvironments": [{"computeResources": {"type": "EC2"}}],
}
"""Each service reads its own keys of it."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(_ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def served_aws() -> Iterator[str]:
    """Yield the address of the stand-in."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
