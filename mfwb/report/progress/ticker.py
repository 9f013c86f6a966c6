"""Ticker: calls a function again and again, in a thread of its own, until the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["ticking"]


@contextmanager
def ticking(action: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function meanwhile, each time after a pause; it may still run at the end.

    Args:
        action: what to call; it must not raise.
        seconds: the pause.
    """
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(seconds):
            action()

    threading.Thread(target=tick, name="mfwb-progress", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
