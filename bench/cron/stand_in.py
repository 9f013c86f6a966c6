"""The tests' stand-in for W&B in a process of its own, so that its time is not mfwb's.

As a program it serves, and does what standard input says, line by line: `count` (of requests,
which are then forgotten) or `latency SECONDS`; it answers each with a line. It ends with its input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

__all__ = ["StandIn"]

_REPOSITORY = Path(__file__).resolve().parent.parent.parent


class StandIn:
    """A W&B on loopback; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.cron.stand_in"],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.environment: dict[str, str] = json.loads(self._answer())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()  # its input ends

    def requests(self) -> int:
        """Return how many requests there were since this was last asked."""
        return int(self._ask("count"))

    def wait_with_each_request(self, seconds: float) -> None:
        """Let every request from now on take that much longer."""
        self._ask(f"latency {seconds}")

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        return self._process.stdout.readline()


def _serve() -> None:
    from tests.support.wandb_server import WandbServer  # noqa: PLC0415 - the parent stays small

    with WandbServer() as server:
        _say(json.dumps({"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}))
        for line in sys.stdin:
            what, *given = line.split()
            if what == "latency":
                server.latency = float(given[0])
            _say(str(len(server.requests)))
            server.clear_requests()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    _serve()
