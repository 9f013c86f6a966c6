"""The line of W&B runs: its order, its limits, and that nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, wait
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.pipeline.run_queue import Done, RunQueue
from mfwb.request_budget import RequestBudget

LIMIT_SECONDS = 60.0  # a deadlock is found after this time


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Return for each W&B run the earlier ones that it waits for."""
    count = draw(st.integers(1, 30))
    return [
        draw(st.lists(st.integers(0, number - 1), max_size=4, unique=True)) if number else []
        for number in range(count)
    ]


@given(
    graph=graphs(),
    workers=st.integers(1, 8),
    sizes=st.lists(st.integers(0, 12), min_size=30, max_size=30),
    refused=st.lists(st.booleans(), min_size=30, max_size=30),
)
@settings(max_examples=30, deadline=None)
def test_no_wait_for_earlier_ones_is_for_ever(
    graph: list[list[int]], workers: int, sizes: list[int], refused: list[bool]
) -> None:
    """Whatever waits for what, with any number of workers and any limits."""
    queue = RunQueue(workers, max_bytes=10, budget=RequestBudget(12, seconds=0.01))
    done = [Event() for _ in graph]

    def write(number: int) -> Callable[[], Done[int]]:
        def work() -> Done[int]:
            for producer in graph[number]:
                assert done[producer].wait(LIMIT_SECONDS)
            done[number].set()
            return Done(number, refused=int(refused[number]))

        return work

    futures = [
        queue.submit(write(number), size=sizes[number], requests=sizes[number])
        for number in range(len(graph))
    ]
    assert [future.result(LIMIT_SECONDS) for future in futures] == list(range(len(graph)))
    queue.close()


def test_bytes_of_all_that_is_written_are_bounded_and_one_that_is_larger_is_alone() -> None:
    """Disk stays bounded, and each W&B run is written some time."""
    queue, lock = RunQueue(8, max_bytes=10), Lock()
    now: list[int] = []
    seen: list[list[int]] = []

    def write(size: int) -> Callable[[], Done[None]]:
        def work() -> Done[None]:
            with lock:
                now.append(size)
                seen.append(list(now))
            Event().wait(0.01)
            with lock:
                now.remove(size)
            return Done(None)

        return work

    wait([queue.submit(write(size), size=size, requests=1) for size in (4, 4, 4, 25, 1, 9, 10, 3)])
    queue.close()
    assert all(sum(sizes) <= 10 or sizes == [25] for sizes in seen)
    assert [25] in seen


def test_after_an_error_the_others_are_written() -> None:
    """The error is that of its own W&B run."""
    queue = RunQueue(1, max_bytes=10)

    def fail() -> Done[None]:
        raise ValueError("no")

    first, second = (
        queue.submit(fail, size=1, requests=1),
        queue.submit(lambda: Done("yes"), size=1, requests=1),
    )
    with pytest.raises(ValueError, match="no"):
        first.result(LIMIT_SECONDS)
    assert second.result(LIMIT_SECONDS) == "yes"
    queue.close()


def test_what_waits_is_cancelled_at_the_end_and_what_is_written_goes_on() -> None:
    """As after Ctrl-C."""
    queue = RunQueue(1, max_bytes=10)
    begun, go_on = Event(), Event()

    def work() -> Done[str]:
        begun.set()
        assert go_on.wait(LIMIT_SECONDS)
        return Done("written")

    first, second = queue.submit(work, size=1, requests=1), queue.submit(work, size=1, requests=1)
    assert begun.wait(LIMIT_SECONDS)
    assert queue.waiting() == 1
    queue.cancel()
    go_on.set()
    assert first.result(LIMIT_SECONDS) == "written"
    with pytest.raises(CancelledError):
        second.result(LIMIT_SECONDS)
