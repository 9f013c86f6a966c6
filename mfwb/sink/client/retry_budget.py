"""Retry budget: the time that all workers of a call together may spend on retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mfwb.errors import SinkError
from mfwb.operations import note_operation
from mfwb.ports import NoProgress, Progress
from mfwb.sink.client.private import (
    FAILURES,
    find_core_death,
    http_status,
    is_unreadable_answer,
)
from mfwb.sink.client.refusals import explain_error, is_final

__all__ = ["MIN_BYTES_PER_SECOND", "W_AND_B", "RetryBudget"]

W_AND_B = "W&B"
"""W&B's name in notifications."""

MIN_BYTES_PER_SECOND = 256 * 1024
"""The slowest upload; a slower one counts as stuck."""

T = TypeVar("T")

_MIN_PAUSE, _MAX_PAUSE = 0.5, 10.0  # seconds; doubled after each attempt
_MIN_WAIT = 20.0  # seconds for a single wait, even if the budget is spent
_COOLDOWN = 30.0  # seconds without any attempt after the budget is spent


class RetryBudget:
    """How long a call may retry.

    Time counts while any worker waits for W&B in trouble, and counts once, however many wait.
    When the budget is spent, W&B gets no request for a moment: each new request fails at once, so
    that a hundred flow runs don't wait for the same outage one after the other.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Start with all of the time.

        Args:
            seconds: how long retries may take.
            clock: returns the time in seconds.
            progress: is notified while W&B does not answer; None: nothing is.
        """
        self.seconds = seconds
        self._progress = progress or NoProgress()
        self._is_connected = False  # W&B has answered, and nothing is tried again
        self._clock = clock
        self._spent = 0.0
        self._counted_until = float("-inf")
        self._cooldown_until = float("-inf")
        self._lock = threading.Lock()

    @property
    def seconds_left(self) -> float:
        """The seconds that may still be spent."""
        with self._lock:
            return max(0.0, self.seconds - self._spent)

    @property
    def wait_limit(self) -> float:
        """The seconds that a single wait may take before it counts as failed."""
        return max(_MIN_WAIT, self.seconds_left)

    def attempt(self, action: Callable[[], T], purpose: str) -> T:
        """Return the result of an action, with retries while W&B or the connection is in trouble.

        Args:
            action: may be called more than once.
            purpose: for the error message, as in "list the runs of acme/wines".

        Raises:
            SinkError: if W&B refuses, or the trouble lasts longer than the budget.
            wandb's own (CORE_DEATHS): if wandb-core has ended. Its open runs are lost, so
                that a retry would never help.
        """
        self.raise_if_spent(purpose)
        began = self._clock()
        pause = _MIN_PAUSE
        tries = 0
        if not self._is_connected:
            self._progress.connecting(W_AND_B, tries)
        while True:
            sent_at = self._clock()
            try:
                answer = action()
            except FAILURES as error:
                note_operation("W&B", f"{purpose}: {_describe(error)}", self._clock() - sent_at)
                if death := find_core_death(error):
                    raise death from None
                if is_final(error):
                    self._note_answer()
                if is_final(error) or self._spend(began, pause):
                    raise SinkError(f"can't {purpose}: {explain_error(error)}") from error
            except Exception as error:
                if not is_unreadable_answer(error):
                    raise
                raise SinkError(
                    f"can't {purpose}: W&B's answer is not valid ({error!r})"
                ) from error
            else:
                note_operation("W&B", f"{purpose}: done", self._clock() - sent_at)
                self._note_answer()
                return answer
            tries += 1
            self._is_connected = False
            self._progress.connecting(W_AND_B, tries)
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - to spread, not to hide
            pause = min(2 * pause, _MAX_PAUSE)

    def _note_answer(self) -> None:
        if not self._is_connected:
            self._is_connected = True
            self._progress.connected(W_AND_B)

    @contextmanager
    def count_failed_wait(self) -> Iterator[None]:
        """Count a failed wait as time in trouble; wandb-core itself retries meanwhile."""
        began = self._clock()
        try:
            yield
        except (ValueError, *FAILURES):
            self._spend(began, 0.0)
            raise

    def raise_if_spent(self, purpose: str) -> None:
        """Raise SinkError if the budget was spent a moment ago."""
        with self._lock:
            if self._clock() < self._cooldown_until:
                raise SinkError(
                    f"can't {purpose}: W&B has not worked for the {self.seconds:.0f} s of --timeout"
                )

    def _spend(self, began: float, pause: float) -> bool:
        """Count the time since a failed action began; return whether the budget is spent."""
        with self._lock:
            now = self._clock()
            self._spent += max(0.0, now - max(began, self._counted_until))
            self._counted_until = max(now, self._counted_until)
            if self._spent + pause <= self.seconds:
                return False
            self._cooldown_until = now + _COOLDOWN
            return True


def _describe(error: Exception) -> str:
    status = http_status(error)
    return f"{type(error).__name__}, status {status}" if status else type(error).__name__
