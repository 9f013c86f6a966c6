"""The folder of what mfwb remembers between calls."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["state_folder"]


def state_folder() -> Path:
    """Return the folder of the user's ledger, of caches and of logs of bugs; it may not exist."""
    if folder := os.environ.get("MFWB_STATE_DIR"):
        return Path(folder)
    from platformdirs import user_state_path  # noqa: PLC0415 - hardly needed if the folder is set

    return user_state_path("mfwb")
