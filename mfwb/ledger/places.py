"""Where ledgers lie."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_state_path

from mfwb.config import Settings
from mfwb.errors import UsageError

__all__ = ["bundle_of", "ledger_path"]


def bundle_of(settings: Settings) -> Path | None:
    """Return the bundle that is meant; None if it is a server. W&B's SDK has no part in it.

    Raises:
        UsageError: if mode and folder don't go together.
    """
    mode = settings.mode or settings.wandb.get("mode")
    if settings.dir is not None and mode != "online":
        return settings.dir.expanduser().resolve()
    if settings.dir is not None:
        raise UsageError("--dir is where an offline sync writes; say --mode offline")
    if (mode or os.environ.get("WANDB_MODE")) == "offline":
        raise UsageError("an offline sync has its ledger in its bundle; add --dir DIR")
    return None


def ledger_path(bundle: Path | None) -> Path:
    """Return the ledger of a bundle, or the user's for all servers.

    A bundle carries its own: who deletes or moves the bundle takes the memory along.
    """
    if bundle is not None:
        return bundle / "ledger.sqlite"
    home = os.environ.get("MFWB_STATE_DIR")
    return (Path(home) if home else user_state_path("mfwb")) / "ledger.sqlite"
