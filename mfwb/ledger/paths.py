"""Paths of ledger files."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_state_path

__all__ = ["ledger_path"]


def ledger_path(bundle: Path | None) -> Path:
    """Return the path of a bundle's ledger, or of the user's ledger for all servers.

    A bundle contains its own ledger, so that the ledger is moved or deleted together with it.
    """
    if bundle is not None:
        return bundle / "ledger.sqlite"
    home = os.environ.get("MFWB_STATE_DIR")
    return (Path(home) if home else user_state_path("mfwb")) / "ledger.sqlite"
