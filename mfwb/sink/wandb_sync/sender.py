"""Sender of a folder of W&B runs by `wandb sync`, which does not report failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mfwb.files.tempdirs import scratch
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import CORE_EXIT_SECONDS
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.setup.environment import environment_variable
from mfwb.sink.setup.quiet_settings import COPIES, replay_settings

__all__ = ["Notify", "Sender", "SyncError"]

Notify = Callable[[int, int], None]
"""Is called with bytes that were sent, and bytes to send."""

_PARALLEL_RUNS = 16
_PAUSE = 0.5  # seconds between two looks at what the child counts
_CHILD = Path(__file__).with_name("child.py")
_SECONDS_PER_RUN = 2.0
_REQUEST_ERROR = "api: "  # of a single request, which may have been repeated
_CORE_VARIABLE = "WANDB_SERVICE"  # with it a child uses our wandb-core, which outlives the child


@dataclass(frozen=True, slots=True)
class SyncError:
    """An error that `wandb sync` logged.

    Attributes:
        path: the file that it concerns; None: all files.
    """

    text: str
    path: Path | None = None


class Sender:
    """Runs `wandb sync`, and kills it when it is stuck."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def send(
        self, folder: Path, *, runs: int, size: int, notify: Notify | None = None
    ) -> tuple[SyncError, ...]:
        """Send a folder, and return the logged errors; the caller looks up what has arrived.

        Args:
            folder: the folder with a folder for each W&B run.
            runs: the number of W&B runs.
            size: the size of all files that may have to be uploaded, in bytes.
            notify: is called with the bytes of uploads in progress: those sent, and all of them.

        Raises:
            SinkError: if W&B has failed for longer than the retry budget of the call.
        """
        retry_budget = self._client.retry_budget
        retry_budget.raise_if_spent("send W&B runs")
        seconds = (
            retry_budget.wait_limit
            + runs * _SECONDS_PER_RUN / _PARALLEL_RUNS
            + size / MIN_BYTES_PER_SECOND
        )
        with scratch() as wandb_dir:
            failures: list[SyncError] = []
            try:
                with retry_budget.count_failed_wait():
                    self._run(folder, wandb_dir, seconds, notify)
            except (TimeoutError, ConnectionError) as error:
                failures.append(SyncError(str(error)))
            return (*_read_errors(wandb_dir), *failures)

    def _run(self, folder: Path, wandb_dir: Path, seconds: float, notify: Notify | None) -> None:
        counter = wandb_dir / "uploading"
        command = [sys.executable, str(_CHILD), str(folder), str(_PARALLEL_RUNS), str(counter)]
        output_path = wandb_dir / "output"
        with output_path.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(wandb_dir),
                start_new_session=True,  # Ctrl-C only reaches the parent
            )
        try:
            code = _wait(process, seconds, lambda: _notify(counter, notify))
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
            raise ConnectionAbortedError(
                f"`wandb sync` ended with {code}: {_last_line(output_path)}"
            )

    def _environment(self, wandb_dir: Path) -> dict[str, str]:
        settings = {
            "base_url": self._client.base_url,
            "mode": "online",
            "dir": wandb_dir,
            "program": "mfwb",  # otherwise W&B stores the path of child.py
            **replay_settings(self._client.retry_budget.seconds),
            "ignore_globs": ",".join(COPIES),
        }
        inherited = {name: value for name, value in os.environ.items() if name != _CORE_VARIABLE}
        return {
            **inherited,
            **{environment_variable(name): str(value) for name, value in settings.items()},
        }


def _wait(process: subprocess.Popen[bytes], seconds: float, meanwhile: Callable[[], None]) -> int:
    """Return the exit code of a process; TimeoutExpired."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        try:
            return process.wait(min(_PAUSE, max(0.0, left)))
        except subprocess.TimeoutExpired:
            if left <= _PAUSE:
                raise
        meanwhile()


def _notify(counter: Path, notify: Notify | None) -> None:
    """Notify of the bytes that the child counts; it has none before it uploads something."""
    if notify is None:
        return
    with suppress(OSError, ValueError):
        sent, total = map(int, counter.read_text(encoding="ascii").split())
        notify(sent, total)


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")


def _read_errors(wandb_dir: Path) -> Iterator[SyncError]:
    """Yield the errors in the logs of `wandb sync`; errors of artifacts are only there."""
    for log in sorted(wandb_dir.glob("wandb/logs/debug-sync*.log")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                record = json.loads(line)
                if record.get("level") == "ERROR" and not record["msg"].startswith(_REQUEST_ERROR):
                    text = f"{record['msg']} {record.get('error', '')}".strip()
                    yield SyncError(text, Path(record.get("sync_path", "")))
