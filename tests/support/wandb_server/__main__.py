"""Run the stand-in by hand: python -m tests.support.wandb_server --port 8080."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading

from .server import WandbServer


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.wandb_server", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--entity", default="acme", help="default entity of the one user")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each request")
    options = parser.parse_args()
    # So that the server is stopped, and its files are removed, on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with WandbServer(port=options.port, entities=(options.entity,)) as server:
        server.latency = options.latency
        lines = (
            f"export WANDB_BASE_URL={server.base_url}",
            f"export WANDB_API_KEY={server.api_key}",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
