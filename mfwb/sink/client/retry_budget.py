"""Trying again: one budget of time for all workers of a call, spent while W&B is in trouble."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mfwb.errors import SinkError
from mfwb.sink.client.private import FAILURES, find_core_death, is_unreadable_answer
from mfwb.sink.client.refusals import explain_error, is_final

__all__ = ["MIN_BYTES_PER_SECOND", "RetryBudget"]

MIN_BYTES_PER_SECOND = 256 * 1024
"""Bytes a second; an upload that is slower counts as stuck."""

T = TypeVar("T")

_MIN_PAUSE, _MAX_PAUSE = 0.5, 10.0  # seconds; doubled from try to try
_MIN_WAIT = 20.0  # seconds for which even those may wait who come when the budget is spent
_COOLDOWN = 30.0  # seconds after the end of the budget in which nobody tries


class RetryBudget:
    """How long a call may go on trying.

    What counts is the time in which anybody waits for W&B in trouble, once, however many wait.
    When it is spent, W&B is left alone for a moment: whoever comes then is told so at once, so
    that a hundred flow runs don't wait for the same outage one after the other.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._spent = 0.0
        self._counted_until = float("-inf")
        self._cooldown_until = float("-inf")
        self._lock = threading.Lock()

    @property
    def seconds_left(self) -> float:
        """How many seconds may still be spent."""
        with self._lock:
            return max(0.0, self.seconds - self._spent)

    @property
    def wait_limit(self) -> float:
        """How many seconds a single wait may take, before it counts as failed."""
        return max(_MIN_WAIT, self.seconds_left)

    def attempt(self, action: Callable[[], T], purpose: str) -> T:
        """Return what a deed returns, tried again while W&B or the way to it is in trouble.

        Args:
            action: does something that may be done more than once.
            purpose: for the complaint, as in "list the runs of acme/wines".

        Raises:
            SinkError: if W&B refuses, or the trouble outlasts the budget.
            wandb's own (CORE_DEATHS): if wandb-core has ended. Its open runs stay lost, so that
                trying the same again would never help.
        """
        self.raise_if_spent(purpose)
        began = self._clock()
        pause = _MIN_PAUSE
        while True:
            try:
                return action()
            except FAILURES as error:
                if death := find_core_death(error):
                    raise death from None
                if is_final(error) or self._spend(began, pause):
                    raise SinkError(f"can't {purpose}: {explain_error(error)}") from error
            except Exception as error:
                if not is_unreadable_answer(error):
                    raise
                raise SinkError(f"can't {purpose}: W&B's answer is none ({error!r})") from error
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - to spread, not to hide
            pause = min(2 * pause, _MAX_PAUSE)

    @contextmanager
    def count_failed_wait(self) -> Iterator[None]:
        """Count a wait that fails as time in trouble; wandb-core does the trying meanwhile."""
        began = self._clock()
        try:
            yield
        except (ValueError, *FAILURES):
            self._spend(began, 0.0)
            raise

    def raise_if_spent(self, purpose: str) -> None:
        """Raise SinkError if W&B did not work until the budget was spent, a moment ago."""
        with self._lock:
            if self._clock() < self._cooldown_until:
                raise SinkError(
                    f"can't {purpose}: W&B has not worked for the {self.seconds:.0f} s of --timeout"
                )

    def _spend(self, began: float, pause: float) -> bool:
        """Count the time since a failing deed began; return whether no more may be spent."""
        with self._lock:
            now = self._clock()
            self._spent += max(0.0, now - max(began, self._counted_until))
            self._counted_until = max(now, self._counted_until)
            if self._spent + pause <= self.seconds:
                return False
            self._cooldown_until = now + _COOLDOWN
            return True
