"""Artifact contents in flight: the same content, logged twice at once, would get two versions."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from mfwb.planning import WandbRunId

__all__ = ["Arrival", "InFlight"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arrival of a content that is in flight.

    Attributes:
        run_id: the W&B run that logs the content.
        done: set once the content has arrived or failed.
    """

    run_id: WandbRunId
    done: threading.Event = field(default_factory=threading.Event)


class InFlight:
    """The contents that are being logged in one project, by name and digest."""

    def __init__(self) -> None:
        self._arrivals: dict[tuple[str, str], Arrival] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, digest: str, run_id: WandbRunId) -> Arrival | None:
        """Register a content of a W&B run and return None; return its arrival if in flight."""
        with self._lock:
            arrival = self._arrivals.get((name, digest))
            if arrival is None:
                self._arrivals[name, digest] = Arrival(run_id)
            return arrival

    def end(self, name: str, digest: str) -> None:
        """Signal that a content has arrived or failed; safe to call more than once."""
        with self._lock:
            arrival = self._arrivals.pop((name, digest), None)
        if arrival is not None:
            arrival.done.set()
