"""A folder with many flow runs, and what W&B has of them after one sync, to compare a backfill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.faults.scene import settled, unnumbered
from tests.support.copies import copy_flow_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.warm import Process

__all__ = ["FLOW", "Backfills", "statuses", "wait_until", "workers_of"]

FLOW = "BytesFlow"
_CONTENTS = 2
_EQUAL_NEIGHBOURS = 3  # then another content follows, and some time later it comes back
_MINUTES = 600_000  # ms
_PATIENCE = 1500.0  # seconds


@dataclass
class Backfills:
    """Flow runs in a local datastore, of which many have equal contents.

    Attributes:
        root: the folder.
        flow_runs: their pathspecs, the newest first.
        server: where a backfill goes.
    """

    root: Path
    flow_runs: list[str]
    server: WandbServer

    @classmethod
    def make(cls, root: Path, number: int, server: WandbServer) -> Backfills:
        """Make flow runs: one for each content by Metaflow, the others are copies."""
        sandbox = Sandbox(root)
        origins = []
        for content in range(min(number, _CONTENTS)):
            given = ("run", "--number", str(content), "--run-id-file", "id.txt")
            made = sandbox.flow("bytes_flow", *given)
            assert made.code == 0, made.err
            origins.append(f"{FLOW}/{(root / 'id.txt').read_text(encoding='utf-8')}")
        start = int(origins[0].partition("/")[2]) // 1000
        copies = [
            copy_flow_run(
                root,
                origins[index // _EQUAL_NEIGHBOURS % _CONTENTS],
                started_at_ms=start - _MINUTES * index,
            )
            for index in range(1, number - _CONTENTS + 1)
        ]
        return cls(root, [*reversed(origins), *copies], server)

    def add_newer(self) -> None:
        """Let one more flow run appear, newer than all others."""
        newest = self.flow_runs[0]
        start = int(newest.partition("/")[2]) // 1000 + _MINUTES
        copy_flow_run(self.root, newest, started_at_ms=start)

    def sandbox(self, server: WandbServer, state: str) -> Sandbox:
        """Return a place that knows a server, with a ledger of its own."""
        extra = {
            "WANDB_BASE_URL": server.base_url,
            "WANDB_API_KEY": server.api_key,
            "MFWB_STATE_DIR": str(self.root / state),
        }
        return Sandbox(self.root, extra, patience=_PATIENCE)

    @property
    def own(self) -> Sandbox:
        """The place of the backfill."""
        return self.sandbox(self.server, "state")

    @property
    def location(self) -> tuple[str, ...]:
        """Where flow runs are, and where they go."""
        return ("--entity", "acme", "--project", "p", "--metadata", f"local@{self.root}")

    def arguments(self, shards: int) -> tuple[str, ...]:
        """Return the command line of the backfill."""
        return ("backfill", FLOW, "--all", "--shards", str(shards), "--json", *self.location)

    def run(self, shards: int, *more: str) -> Finished:
        """Run the backfill to its end."""
        return self.own.mfwb(*self.arguments(shards), *more)

    def start(self, *arguments: str) -> Process:
        """Start mfwb; a signal that it is sent reaches it alone."""
        return self.own.start_mfwb(*arguments)

    def wait_for_runs(self, number: int, process: Process) -> None:
        """Wait until W&B has so many finished W&B runs."""
        wait_until(lambda: self.finished() >= number, process)

    def finished(self) -> int:
        """Return how many W&B runs are finished."""
        return sum(run.state == "finished" for run in self.server.state.runs("acme/p").values())

    def state(self) -> dict[str, Any]:
        """Return all that the backfill's server has."""
        return _comparable(self.server)

    def state_after_one_sync(self) -> dict[str, Any]:
        """Return all that another server has after one sync of the same flow runs."""
        with WandbServer() as other:
            place = self.sandbox(other, "other-state")
            done = place.mfwb("sync", FLOW, "--all", *self.location)
            assert done.code == 0, done.err
            return _comparable(other)


def workers_of(process: Process) -> list[psutil.Process]:
    """Return the processes of shards below a process; some may have ended meanwhile."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("mfwb.shards.child" in argument for argument in process.cmdline())
    return False


def wait_until(is_so: Callable[[], bool], process: Process | None = None) -> None:
    """Wait until something is so; a process that ends before is a failure."""
    deadline = time.monotonic() + _PATIENCE / 2
    while not is_so():
        if process is not None and process.poll() is not None:
            raise AssertionError(process.communicate(60)[1][-3000:])
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def statuses(done: Finished) -> dict[str, int]:
    """Return how many flow runs ended in which way."""
    totals = done.document["totals"]["flow_runs"]
    return {status: number for status, number in totals.items() if number}


def _comparable(server: WandbServer) -> dict[str, Any]:
    """Return the state of a server without what one sync leaves to chance.

    The version numbers of artifacts follow the order in which uploads end; and which flow run a
    version notes as its newest one, if the version is not the latest.
    """
    snapshot = unnumbered(settled(server.state.snapshot("acme/p")))
    for version in snapshot["artifacts"].values():
        if "latest" not in version["aliases"]:
            version["metadata"]["mfwb"].pop("newest_flow_run_started_at", None)
    result: dict[str, Any] = json.loads(json.dumps(snapshot))
    return result
