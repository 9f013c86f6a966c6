"""Paths of ledger files."""

from __future__ import annotations

from pathlib import Path

from mfwb.files.state_folder import state_folder

__all__ = ["ledger_path"]


def ledger_path(bundle: Path | None) -> Path:
    """Return the path of a bundle's ledger, or of the user's ledger for all servers.

    A bundle contains its own ledger, so that the ledger is moved or deleted together with it.
    """
    if bundle is not None:
        return bundle / "ledger.sqlite"
    return state_folder() / "ledger.sqlite"
