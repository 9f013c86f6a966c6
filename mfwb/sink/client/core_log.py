"""Errors in wandb-core's log of a W&B run: only this log reports lost files and refused requests.

wandb-core writes it for each W&B run (wandb 0.31.0).
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import wandb

__all__ = ["count_refused", "find_first_error", "has_failed_to_open", "read_log"]

_LOG = "debug-internal.log"
_SINGLE_REQUEST = "api: "  # a single request, which may have been repeated
_NOT_OPENED = "upsert bucket response empty"
_TRIED_AGAIN, _TOO_MANY = "retrying HTTP error", '"status":429'
_ERROR = "ERROR"
_MAX_LOG_BYTES = 4 << 20  # that are read of a log


def read_log(run: wandb.Run) -> str:
    """Return the log of a W&B run; empty if it can't be read."""
    path = Path(run.dir).parent / "logs" / _LOG
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as log:
        return log.read(_MAX_LOG_BYTES)
    return ""


def has_failed_to_open(log: str) -> bool:
    """Whether W&B answered null when a run was opened; wandb-core continues as if it were open."""
    return _NOT_OPENED in log


def count_refused(log: str) -> int:
    """Return how many requests of a W&B run were refused with 429, and sent again later."""
    if _TOO_MANY not in log:
        return 0
    return sum(_TRIED_AGAIN in line and _TOO_MANY in line for line in log.splitlines())


def find_first_error(log: str) -> str:
    """Return the first error in a log of wandb-core; empty if there is none."""
    for line in log.splitlines():
        if _ERROR not in line:  # most lines are of requests that went well
            continue
        with suppress(ValueError, AttributeError):
            entry = json.loads(line)
            text = str(entry.get("msg", ""))
            if entry.get("level") == _ERROR and not text.startswith(_SINGLE_REQUEST):
                return f"{text} {entry.get('error', '')}".strip()
    return ""
