"""What wandb-core complained of while a W&B run was open: nothing else tells of lost files.

It writes that to a log of the W&B run (wandb 0.31.0).
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import wandb

__all__ = ["find_first_error", "has_failed_to_open", "read_first_error"]

_LOG = "debug-internal.log"
_IN_BETWEEN = "api: "  # a single request, which may have been repeated
_NOT_OPENED = "upsert bucket response empty"
_MOST = 4 << 20  # bytes that are read of a log


def read_first_error(run: wandb.Run) -> str:
    """Return the first thing that went wrong with a W&B run; empty if nothing did."""
    return find_first_error(_log_of(run))


def has_failed_to_open(run: wandb.Run) -> bool:
    """Whether W&B answered null when a run was opened; wandb-core goes on as if it were."""
    return _NOT_OPENED in _log_of(run)


def _log_of(run: wandb.Run) -> str:
    path = Path(run.dir).parent / "logs" / _LOG
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as log:
        return log.read(_MOST)
    return ""


def find_first_error(log: str) -> str:
    """Return the first error that a log of wandb-core tells of; empty if there is none."""
    for line in log.splitlines():
        with suppress(ValueError, AttributeError):
            said = json.loads(line)
            text = str(said.get("msg", ""))
            if said.get("level") == "ERROR" and not text.startswith(_IN_BETWEEN):
                return f"{text} {said.get('error', '')}".strip()
    return ""
