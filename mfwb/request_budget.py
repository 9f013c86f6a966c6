"""Request budget: no more than so many requests to W&B in a minute, by all workers of a call.

It also counts what was sent, whether there is a limit or not.

mfwb's own requests are counted one by one. wandb-core sends those of an open W&B run by itself; so
the run is charged for all of them before it is opened. What was charged counts until a minute after
the W&B run has been finished. So within any minute there are no more requests than were charged.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["MIN_REQUESTS_PER_MINUTE", "RequestBudget"]

MIN_REQUESTS_PER_MINUTE = 60
"""The smallest budget: with less, a single W&B run would often be too much."""

_WINDOW_SECONDS = 60.0


class RequestBudget:
    """A budget of requests; thread-safe."""

    def __init__(
        self,
        limit: int | None = None,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing spent.

        Args:
            limit: requests within each stretch of time; None: any number.
            seconds: the length of a stretch; None: a minute.
            clock: returns the time in seconds.
        """
        self._limit = limit
        self._seconds = _WINDOW_SECONDS if seconds is None else seconds
        self._clock = clock
        self._own = 0  # requests that mfwb itself has sent
        self._by_core = 0  # about so many requests that wandb-core has sent for W&B runs
        self._open = 0  # requests that are being sent, or may be
        self._done: deque[tuple[float, int]] = deque()  # when they were done, and how many
        self._done_sum = 0
        self._changed = threading.Condition()
        self._thread = threading.local()

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._limit is not None

    @property
    def own(self) -> int:
        """The requests that mfwb itself has sent, those that failed among them."""
        return self._own

    @property
    def by_core(self) -> int:
        """About how many requests wandb-core has sent for W&B runs; it does not tell."""
        return self._by_core

    def note_run(self, requests: int) -> None:
        """Note a W&B run that was written, and about how many requests wandb-core sent for it."""
        with self._changed:
            self._by_core += requests

    def note_sent(self, requests: int) -> None:
        """Note requests of mfwb that were sent without asking for room; they count from now on."""
        with self._changed:
            self._own += requests
            if self._limit is not None:
                self._note_done(requests)

    def try_begin(self, number: int) -> float:
        """Charge for requests that will be sent, if there is room for them.

        Call `end` once they have been sent. More requests than the whole budget are charged when
        there are no others.

        Returns:
            0 if they were charged; else the seconds after which it is worth another try.
        """
        if self._limit is None:
            return 0.0
        with self._changed:
            return self._try_begin(number, self._limit)

    def end(self, number: int, *, sent: int) -> None:
        """Note that requests were sent.

        Args:
            number: that was charged.
            sent: how many of them were sent at most; the others are free again.
        """
        if self._limit is None:
            return
        with self._changed:
            self._open -= number
            if sent:
                self._note_done(sent)
            self._changed.notify_all()

    def _note_done(self, number: int) -> None:
        self._done.append((self._clock(), number))
        self._done_sum += number

    @contextmanager
    def single(self) -> Iterator[None]:
        """Wait until one request of mfwb may be sent, which is sent within the context.

        It does not wait where it belongs to a W&B run that was charged, see `charged`.
        """
        with self._changed:
            self._own += 1
        if self._limit is None or getattr(self._thread, "is_charged", False):
            yield
            return
        with self._changed:
            while seconds := self._try_begin(1, self._limit):
                self._changed.wait(seconds)
        try:
            yield
        finally:
            self.end(1, sent=1)

    @contextmanager
    def charged(self) -> Iterator[None]:
        """Let the requests of this thread be those of a W&B run that was charged for them."""
        self._thread.is_charged = True
        try:
            yield
        finally:
            self._thread.is_charged = False

    def _try_begin(self, number: int, limit: int) -> float:
        now = self._clock()
        while self._done and self._done[0][0] + self._seconds <= now:
            self._done_sum -= self._done.popleft()[1]
        spent = self._open + self._done_sum
        if not spent or spent + number <= limit:
            self._open += number
            return 0.0
        if not self._done:
            return self._seconds
        return max(0.001, self._done[0][0] + self._seconds - now)
