"""Waiting for what may never come back: where an SDK sets no end to something, this does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import TypeVar

from mfwb.errors import Unreachable

__all__ = ["run_within"]

T = TypeVar("T")

_SHORTEST = 5.0  # seconds; below that, a healthy W&B on a slow machine would look ill


def run_within(seconds: float, action: Callable[[], T], subject: str) -> T:
    """Return what a deed returns, which another thread does; and raise what it raises.

    Args:
        seconds: how long it may take; it goes on behind the scenes then.
        action: what is to be done.
        subject: as the subject of a complaint, as in "https://api.wandb.ai".

    Raises:
        Unreachable: it took longer.
    """
    limit = max(seconds, _SHORTEST)
    done: Future[T] = Future()

    def do() -> None:
        try:
            done.set_result(action())
        except BaseException as error:  # noqa: BLE001 - who waits gets it
            done.set_exception(error)

    threading.Thread(target=do, name="mfwb-bounded", daemon=True).start()
    try:
        return done.result(limit)
    except TookTooLong:
        if done.done():  # it was the deed that raised it
            raise
        raise Unreachable(f"{subject} did not answer within {limit:.0f} s") from None
