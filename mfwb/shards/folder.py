"""The folder of one backfill: its plan, and a ledger for each shard. It goes when all is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfwb.files.private_files import make_folder, make_folders, remove_below
from mfwb.files.state_folder import state_folder

__all__ = ["BackfillFolder"]

_FOLDER = "backfills"


@dataclass(frozen=True, slots=True)
class BackfillFolder:
    """Where a backfill is remembered until it is complete.

    Attributes:
        name: of the folder; the same request has the same.
    """

    name: str

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> BackfillFolder:
        """Return the folder of a request; it is not created."""
        text = json.dumps(request, sort_keys=True)
        return cls(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16])

    @property
    def path(self) -> Path:
        """Its path."""
        return state_folder() / _FOLDER / self.name

    @property
    def plan(self) -> Path:
        """The file of the shard plan."""
        return self.path / "plan.json"

    def ledger(self, shard: str) -> Path:
        """Return the ledger of a shard."""
        return self.path / shard / "ledger.sqlite"

    def log(self, shard: str) -> Path:
        """Return the file for what a shard's process writes to stderr."""
        return self.path / shard / "stderr.txt"

    def make(self, *shard: str) -> None:
        """Create the folder, or that of a shard in it, for this user alone."""
        make_folder(state_folder())
        make_folders(state_folder(), _FOLDER, self.name, *shard)

    def remove(self) -> None:
        """Remove it, with all that it has."""
        remove_below(state_folder(), Path(_FOLDER) / self.name)
