"""A thousand rounds of a cron job, on a clock of their own, while flow runs come, end and change.

    python -m tests.faults.soak ROOT PATHSPEC ROUNDS SEED

ROOT holds the local datastore with the flow run that the others are copied from. Each round is
a sync in this process, or one of its own that is killed or let end. Prints what happened, and what
W&B has then, as JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.scene import settled
from tests.support.copies import RunningCopy, copy_flow_run, copy_running_flow_run, tag_flow_run
from tests.support.wandb_server import WandbServer

PROJECT = "acme/p"
_MINUTES = 5  # between two rounds
_WINDOW_MS = 6 * 3_600_000  # what the job asks for: it is less than some flow runs take
_TROUBLED = ("UpsertBucket", "CommitArtifact", "file_stream", "upload")
_REAL_ONE_IN = 40  # rounds of which one is a process of its own


@dataclass
class World:
    """Flow runs and the job, as time goes by."""

    root: Path
    origin: str
    server: WandbServer
    chance: random.Random
    now_ms: int
    running: list[RunningCopy] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)

    @property
    def environment(self) -> dict[str, str]:
        """What the job is told by variables."""
        return {
            **os.environ,
            "WANDB_BASE_URL": self.server.base_url,
            "WANDB_API_KEY": self.server.api_key,
            "MFWB_STATE_DIR": str(self.root / "state"),
        }

    def live(self) -> None:
        """Let something happen, or nothing."""
        roll = self.chance.random()
        if roll < 0.12:
            self.over.append(self._note("done", self._copy()))
        elif roll < 0.2:
            self.running.append(
                copy_running_flow_run(self.root, self.origin, started_at_ms=self.now_ms)
            )
            self._note("started", "")
        elif roll < 0.28 and self.running:
            self._end(self.running.pop(0))
        elif roll < 0.33 and self.over:
            tag_flow_run(
                self.root,
                self.chance.choice(self.over[-3:]),
                f"t{self.now_ms % 97}",
                at_ms=self.now_ms,
            )
            self._note("tagged", "")
        elif roll < 0.35:
            self._delete()
        elif roll < 0.37:
            request = self.chance.choice(
                ["UpsertBucket", "CommitArtifact", "file_stream", "upload"]
            )
            self.server.fail(request, 503, 2)
            self._note("trouble", "")

    def sync(self) -> None:
        """Run the job once."""
        if self.chance.randrange(_REAL_ONE_IN):
            self._in_this_process()
            return
        process = subprocess.Popen(
            [sys.executable, "-m", "mfwb", *self._arguments()],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if self.chance.random() < 0.7:
            time.sleep(self.chance.uniform(0.5, 6.0))
            process.kill()
            self._note("killed", "")
        process.wait()
        self._note("processes", "")

    def let_all_end(self) -> None:
        """Let what is running end, and sync until nothing is left to do."""
        self.server.clear_faults()
        while self.running:
            self._end(self.running.pop())
        self._in_this_process()

    def status(self) -> Counter[str]:
        """Return how many flow runs of the last look became what."""
        result = self._in_this_process()
        return Counter(run.status.value for run in result.flow_runs)

    def _in_this_process(self) -> Any:
        import mfwb  # noqa: PLC0415 - variables first

        result = mfwb.sync(**self._asked())
        for run in result.flow_runs:
            if run.status.value != "unchanged":
                self._note(run.status.value, "")
        return result

    def _asked(self) -> dict[str, Any]:
        return {
            "since": self.now_ms - _WINDOW_MS,
            "entity": "acme",
            "project": "p",
            "metadata": f"local@{self.root}",
            "abandoned_after": 365 * 86_400,
        }

    def _arguments(self) -> list[str]:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._asked()["since"] / 1000))
        location = ["--entity", "acme", "--project", "p", "--metadata", f"local@{self.root}"]
        return ["sync", "--since", since, "--abandoned-after", "365d", *location]

    def _copy(self) -> str:
        return copy_flow_run(self.root, self.origin, started_at_ms=self.now_ms)

    def _end(self, copy: RunningCopy) -> None:
        if self.chance.random() < 0.3:
            copy.fail("no luck", ended_at_ms=self.now_ms)
            self._note("failed later", "")
        else:
            copy.finish(ended_at_ms=self.now_ms)
            self._note("finished later", "")
        self.over.append(copy.pathspec)

    def _delete(self) -> None:
        runs = [run for run in self.server.state.runs(PROJECT).values() if run.state == "finished"]
        if runs:
            import wandb  # noqa: PLC0415 - the same

            run = self.chance.choice(runs)
            wandb.Api(overrides={"base_url": self.server.base_url}).run(run.path).delete()
            self.deleted.add(run.path)
            self._note("deleted", "")

    def _note(self, what: str, pathspec: str) -> str:
        self.happened[what] += 1
        return pathspec


def main() -> None:
    """Live through the rounds."""
    root, origin, rounds, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with WandbServer() as server:
        begin = time.time_ns() // 1_000_000 - rounds * _MINUTES * 60_000
        world = World(root, origin, server, random.Random(seed), begin)  # noqa: S311 - a soak
        os.environ.update(world.environment)
        for _ in range(rounds):
            world.now_ms += _MINUTES * 60_000
            world.live()
            world.sync()
        world.let_all_end()
        last = world.status()
        sys.stdout.write(
            json.dumps(
                {
                    "happened": world.happened,
                    "last": last,
                    "over": world.over,
                    "deleted": sorted(world.deleted),
                    "state": settled(server.state.snapshot(PROJECT), receipts=False),
                    "surprises": server.surprises,
                }
            )
        )


if __name__ == "__main__":
    main()
