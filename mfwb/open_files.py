"""Open files: how many W&B runs may be written at a time without running out of them."""

from __future__ import annotations

import resource

__all__ = ["FILES_PER_RUN", "OTHER_FILES", "max_open_runs"]

FILES_PER_RUN = 6
"""Open files for each W&B run that is written: three in wandb-core, and three in mfwb."""

OTHER_FILES = 100
"""Of Python, the SDKs, the ledger and the datastore."""


def max_open_runs() -> int:
    """Return the number of W&B runs for which this process may open enough files; at least 1."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    return max(1, (soft - OTHER_FILES) // FILES_PER_RUN)
