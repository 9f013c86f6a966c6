"""Sending a folder of W&B runs with `wandb sync`, which hides whether that worked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mfwb.files.tempdirs import scratch
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import CORE_EXIT_SECONDS
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.setup.environment import environment_variable
from mfwb.sink.setup.quiet_settings import replay_settings

__all__ = ["Complaint", "Sender"]

_MAX_IDLE = 16
_UPLOADER = Path(__file__).with_name("child.py")
_SECONDS_PER_RUN = 2.0
_IN_BETWEEN = "api: "  # a single request, which may have been repeated
_OUR_CORE = "WANDB_SERVICE"  # by it a child finds our wandb-core, which would go on without it


@dataclass(frozen=True, slots=True)
class Complaint:
    """What W&B said of a file, or of all of them."""

    text: str
    path: Path | None = None


class Sender:
    """Runs `wandb sync`, and ends it when it is stuck."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def send(self, folder: Path, *, runs: int, size: int) -> tuple[Complaint, ...]:
        """Send a folder, and return what W&B complained of; what arrived has to be looked up.

        Args:
            folder: in it, a folder for each W&B run.
            runs: how many.
            size: of all that may have to be uploaded, in bytes.

        Raises:
            SinkError: if W&B has not worked for longer than the call's patience.
        """
        retry_budget = self._client.retry_budget
        retry_budget.raise_if_spent("send W&B runs")
        seconds = (
            retry_budget.wait_limit
            + runs * _SECONDS_PER_RUN / _MAX_IDLE
            + size / MIN_BYTES_PER_SECOND
        )
        with scratch() as own:
            trouble: list[Complaint] = []
            try:
                with retry_budget.count_failed_wait():
                    self._run(folder, own, seconds)
            except (TimeoutError, ConnectionError) as error:
                trouble.append(Complaint(str(error)))
            return (*_complaints(own), *trouble)

    def _run(self, folder: Path, own: Path, seconds: float) -> None:
        command = [sys.executable, str(_UPLOADER), str(folder), str(_MAX_IDLE)]
        said = own / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(own),
                start_new_session=True,  # Ctrl-C is for us
            )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"`wandb sync` was stuck for {seconds:.0f} s") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()
            if process.returncode:
                time.sleep(CORE_EXIT_SECONDS)
        if code:
            raise ConnectionAbortedError(f"`wandb sync` ended with {code}: {_last_line(said)}")

    def _environment(self, own: Path) -> dict[str, str]:
        said = {
            "base_url": self._client.base_url,
            "mode": "online",
            "dir": own,
            "program": "mfwb",  # else W&B says where this very file lies
            **replay_settings(self._client.retry_budget.seconds),
        }
        ours = {name: value for name, value in os.environ.items() if name != _OUR_CORE}
        return {**ours, **{environment_variable(name): str(value) for name, value in said.items()}}


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _complaints(own: Path) -> Iterator[Complaint]:
    """Yield what went wrong, with artifacts above all: of those nothing else tells."""
    for log in sorted(own.glob("wandb/logs/debug-sync*.log")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if said.get("level") == "ERROR" and not said["msg"].startswith(_IN_BETWEEN):
                    text = f"{said['msg']} {said.get('error', '')}".strip()
                    yield Complaint(text, Path(said.get("sync_path", "")))
