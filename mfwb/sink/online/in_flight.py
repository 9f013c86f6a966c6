"""Contents on their way to W&B: what comes twice at once would get two versions."""

from __future__ import annotations

import threading

__all__ = ["InFlight"]


class InFlight:
    """The contents that are being logged in one project, by name and digest."""

    def __init__(self) -> None:
        self._arrivals: dict[tuple[str, str], threading.Event] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, digest: str) -> threading.Event | None:
        """Return None if nobody else is logging this, so that the caller may; else its arrival."""
        with self._lock:
            arrival = self._arrivals.get((name, digest))
            if arrival is None:
                self._arrivals[name, digest] = threading.Event()
            return arrival

    def end(self, name: str, digest: str) -> None:
        """Hear that what was begun has arrived, or failed; it may be said more than once."""
        with self._lock:
            arrival = self._arrivals.pop((name, digest), None)
        if arrival is not None:
            arrival.set()
