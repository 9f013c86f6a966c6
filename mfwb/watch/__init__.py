"""Watch: a sync every few minutes, for teams that have no cron."""

from __future__ import annotations

from mfwb.watch.pauses import pause_seconds
from mfwb.watch.service_manager import ServiceManager

__all__ = ["ServiceManager", "pause_seconds"]
