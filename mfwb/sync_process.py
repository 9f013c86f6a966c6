"""A sync in a process of its own.

Whatever happens to it, its caller goes on. A caller that syncs again and again for years does not
grow, and each sync reads the settings files, and an upgraded mfwb, anew.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from mfwb.own_command import own_command

__all__ = ["FinishedSync", "SyncStopped", "run_sync"]

_SIGNAL_BASE = 128  # a shell's exit code of a process that a signal ended, less its number
_END_SECONDS = 60.0  # a sync that was asked to end does so within seconds


@dataclass(frozen=True, slots=True)
class FinishedSync:
    """A sync that ended.

    Attributes:
        exit_code: its exit code; 137 if a signal (9) ended it.
        document: the JSON document that it printed; empty if an error ended it.
        seconds: how long it took.
    """

    exit_code: int
    document: dict[str, Any]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """The number of flow runs by status, sorted; empty if there is no document."""
        flow_runs = self.document.get("flow_runs", ())
        return dict(sorted(Counter(item["status"] for item in flow_runs).items()))


class SyncStopped(Exception):  # noqa: N818 - no error
    """A signal ended this process during a sync, which was ended, too, and has reported it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def run_sync(arguments: Sequence[str]) -> FinishedSync:
    """Run `mfwb sync --json` with arguments, and return how it ended; SyncStopped.

    What it writes on stderr, it writes there at once.
    """
    began = monotonic()
    with subprocess.Popen(  # noqa: S603 - our own program
        own_command("sync", "--json", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt as error:
            _end(process)
            if process.returncode < 0:  # it ended before it could report anything
                raise
            raise SyncStopped(process.returncode) from error
        except BaseException:
            _end(process)
            raise
    code = process.returncode
    return FinishedSync(
        exit_code=code if code >= 0 else _SIGNAL_BASE - code,
        document=_parse(output),
        seconds=monotonic() - began,
    )


def _parse(output: bytes) -> dict[str, Any]:
    """Return a document; an empty one if the sync ended before it had printed all of it."""
    try:
        document: dict[str, Any] = json.loads(output)
    except ValueError:
        return {}
    return document


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, as Ctrl-C asks it, and wait until it has."""
    process.terminate()
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
