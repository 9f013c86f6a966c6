"""W&B's environment variables: which hold for us, and which must not leak into replayed runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["our_environment"]

_ABOUT_ONE_RUN = (
    "WANDB_NAME",
    "WANDB_NOTES",
    "WANDB_TAGS",
    "WANDB_RUN_GROUP",
    "WANDB_JOB_TYPE",
    "WANDB_RUN_ID",
    "WANDB_RESUME",
    "WANDB_SWEEP_ID",
    "WANDB_PROGRAM",
    "WANDB_HOST",
)
"""They speak of the run of the process that has them, and would be put on every replayed one."""


@contextmanager
def our_environment() -> Iterator[Path]:
    """Yield a scratch folder for W&B's own files, with the environment set for many runs.

    Variables that speak of one run are hidden. W&B makes a folder for each run it writes and
    reads, in the current one by default; a sync leaves none behind, unless WANDB_DIR asks for it.
    """
    hidden = {name: os.environ.pop(name) for name in _ABOUT_ONE_RUN if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="mfwb-wandb-", ignore_cleanup_errors=True) as scratch:
        ours = {"WANDB_DIR": scratch, "WANDB_SILENT": "true"}
        added = {name: value for name, value in ours.items() if name not in os.environ}
        os.environ.update(added)
        try:
            yield Path(os.environ["WANDB_DIR"])
        finally:
            for name in added:
                del os.environ[name]
            os.environ.update(hidden)
