"""The tests' stand-in for W&B in a process of its own, so that its time is not mfwb's.

As a program it serves, and does what standard input says, line by line: `count` (of requests,
which are then forgotten), `kinds` (the same, by kind, with the processor time so far) or
`latency SECONDS`; it answers each with a line. It ends with its input.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

__all__ = ["Asked", "StandIn"]

_REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stand-in was asked.

    Attributes:
        kinds: the number of requests of each GraphQL operation, and of each other kind.
        cpu: seconds of its own processor time since it started.
    """

    kinds: dict[str, int]
    cpu: float

    @property
    def total(self) -> int:
        """The number of all requests."""
        return sum(self.kinds.values())


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

    def asked(self) -> Asked:
        """Return what requests there were since this was last asked, by kind."""
        return Asked(**json.loads(self._ask("kinds")))

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
            _say(_by_kind(server.requests) if what == "kinds" else str(len(server.requests)))
            server.clear_requests()


def _by_kind(requests: list[Any]) -> str:
    kinds = Counter(request.operation or request.kind for request in requests)
    return json.dumps({"kinds": dict(kinds.most_common()), "cpu": time.process_time()})


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    _serve()
