"""Artifact contents in flight: the same content, logged twice at once, would get two versions."""

from __future__ import annotations

import threading

__all__ = ["InFlight"]


class InFlight:
    """The contents that are being logged in one project, by name and digest."""

    def __init__(self) -> None:
        self._arrivals: dict[tuple[str, str], threading.Event] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, digest: str) -> threading.Event | None:
        """Register a content and return None; return its arrival event if it is in flight."""
        with self._lock:
            arrival = self._arrivals.get((name, digest))
            if arrival is None:
                self._arrivals[name, digest] = threading.Event()
            return arrival

    def end(self, name: str, digest: str) -> None:
        """Signal that a content has arrived or failed; safe to call more than once."""
        with self._lock:
            arrival = self._arrivals.pop((name, digest), None)
        if arrival is not None:
            arrival.set()
