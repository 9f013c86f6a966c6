"""Faults on demand: what should go wrong, for which requests, how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

from .journal import Incoming, Match, fits


class Trouble(Enum):
    """What can happen to a request."""

    FAIL = "answered with an error status, nothing done"
    NULL = "answered with null for each thing that was asked for, nothing done"
    DELAY = "answered late"
    CUT = "connection closed, nothing done"
    LOSE_REPLY = "done, but the connection is closed before the reply"
    HOLD = "waits until it is released"
    HOLD_REPLY = "done, but the reply waits until it is released"


@dataclass(eq=False, slots=True)
class Fault:
    """Something that will happen to the next requests that match.

    Attributes:
        times: how many requests it still happens to; None means all.
        after: how many matching requests pass before it begins.
        message: of a failure, as GraphQL words it.
        body: of a failure, in place of the message; and what kind it says that it is.
        struck: how many requests it happened to.
    """

    match: Match
    trouble: Trouble
    times: int | None = 1
    after: int = 0
    status: int = 500
    seconds: float = 0.0
    retry_after: float | None = None
    message: str = "planned failure"
    body: tuple[bytes, str] | None = None
    struck: int = 0
    _released: threading.Event = field(default_factory=threading.Event)
    _reached: threading.Event = field(default_factory=threading.Event)

    def strikes(self, incoming: Incoming) -> bool:
        """Say whether it happens to this request, and count it."""
        if self.times == 0 or not fits(self.match, incoming):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.struck += 1
        self._reached.set()
        return True

    def wait(self, timeout: float = 30.0) -> None:
        """Return as soon as it has happened to a request."""
        if not self._reached.wait(timeout):
            raise TimeoutError(f"no request came that matches {self.match!r}")

    def release(self) -> None:
        """Let the requests that are held go on."""
        self.times = 0
        self._released.set()

    @property
    def released(self) -> bool:
        """Say whether held requests may go on."""
        return self._released.is_set()


class FaultPlan:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Plan a fault."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults and release what is held."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()

    def take(self, incoming: Incoming) -> list[Fault]:
        """Return what happens to this request: pauses first, then at most one failure."""
        with self._lock:
            pauses = [f for f in self._faults if _pauses(f) and f.strikes(incoming)]
            failures = (f for f in self._faults if not _pauses(f) and f.strikes(incoming))
            return [*pauses, *islice(failures, 1)]


def _pauses(fault: Fault) -> bool:
    return fault.trouble in (Trouble.DELAY, Trouble.HOLD)
