"""Names in W&B's artifact versions: an alias, and keys of mfwb in their metadata."""

from __future__ import annotations

__all__ = ["LATEST", "NEWEST_START_KEY", "OTHERS_KEY"]

LATEST = "latest"
NEWEST_START_KEY = "newest_flow_run_started_at"
"""The key in an artifact's metadata, below `mfwb`, for the start of the newest flow run."""

OTHERS_KEY = "somebody_else_logged_it_first"
"""The key beside it for a version that someone else logged first."""
