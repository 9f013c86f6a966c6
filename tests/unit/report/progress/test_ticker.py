"""Calls at intervals."""

from __future__ import annotations

import threading

from mfwb.report.progress.ticker import ticking


def test_until_the_end() -> None:
    """It is called again and again, in another thread."""
    called = threading.Semaphore(0)
    threads: set[int] = set()

    def action() -> None:
        threads.add(threading.get_ident())
        called.release()

    with ticking(action, 0.001):
        assert all(called.acquire(timeout=30) for _ in range(3))

    assert threads
    assert threading.get_ident() not in threads
