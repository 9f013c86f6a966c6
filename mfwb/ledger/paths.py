"""Where ledgers lie."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_state_path

__all__ = ["ledger_path"]


def ledger_path(bundle: Path | None) -> Path:
    """Return the ledger of a bundle, or the user's for all servers.

    A bundle carries its own: who deletes or moves the bundle takes the memory along.
    """
    if bundle is not None:
        return bundle / "ledger.sqlite"
    home = os.environ.get("MFWB_STATE_DIR")
    return (Path(home) if home else user_state_path("mfwb")) / "ledger.sqlite"
