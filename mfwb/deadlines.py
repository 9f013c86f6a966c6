"""Time limits for calls of an SDK that may never return and have no time limit of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import TypeVar

from mfwb.errors import Unreachable

__all__ = ["STARTING", "TookTooLongError", "has_unfinished", "run_within"]

T = TypeVar("T")

_THREAD = "mfwb-bounded"
_SHORTEST = 2.0  # seconds; a shorter limit would fail for a healthy W&B on a slow machine


class TookTooLongError(Unreachable):
    """Something did not end within its time limit."""


STARTING = 5.0
"""Seconds that a process may always take to start here, however short the time limit is."""


def has_unfinished() -> bool:
    """Return whether an action that took too long still runs in the background."""
    return any(thread.name == _THREAD for thread in threading.enumerate())


def run_within(seconds: float, action: Callable[[], T], subject: str) -> T:
    """Run an action in another thread; return its result, or raise its error.

    Args:
        seconds: time limit; after it, the action continues in the background.
        action: the function to call.
        subject: the subject of the error message, for example "https://api.wandb.ai".

    Raises:
        TookTooLongError: it took longer.
    """
    limit = max(seconds, _SHORTEST)
    done: Future[T] = Future()

    def do() -> None:
        try:
            done.set_result(action())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            done.set_exception(error)

    threading.Thread(target=do, name=_THREAD, daemon=True).start()
    try:
        return done.result(limit)
    except TookTooLong:
        if done.done():  # the action itself raised it
            raise
        raise TookTooLongError(f"{subject} did not answer within {limit:.0f} s") from None
