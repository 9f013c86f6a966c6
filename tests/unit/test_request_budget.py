"""A budget of requests: no stretch of time has more of them."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.request_budget import RequestBudget


@given(
    most=st.integers(5, 40),
    runs=st.lists(
        st.tuples(st.integers(1, 5), st.lists(st.floats(0.0, 5.0), min_size=5, max_size=5)),
        max_size=40,
    ),
)
def test_no_stretch_of_time_has_more_requests(
    most: int, runs: list[tuple[int, list[float]]]
) -> None:
    """W&B runs send their requests whenever they like, while they are open."""
    now = [0.0]
    budget = RequestBudget(most, seconds=10.0, clock=lambda: now[0])
    sent: list[float] = []
    open_runs: list[tuple[float, int]] = []
    for number, pauses in runs:
        while wait := budget.try_begin(number):
            ended = min((end for end, _ in open_runs), default=now[0] + wait)
            now[0] = max(now[0], min(ended, now[0] + wait))
            for run in [run for run in open_runs if run[0] <= now[0]]:
                budget.end(run[1], sent=run[1])
                open_runs.remove(run)
        sent += [now[0] + pause for pause in pauses[:number]]
        open_runs.append((now[0] + max(pauses), number))
    for end in sent:
        assert sum(end - 10.0 < moment <= end for moment in sent) <= most


def test_requests_that_were_not_sent_are_free_again() -> None:
    """A complete W&B run takes none."""
    budget = RequestBudget(5, clock=lambda: 0.0)
    assert budget.try_begin(5) == 0
    assert budget.try_begin(1) > 0
    budget.end(5, sent=0)
    assert budget.try_begin(5) == 0


def test_more_than_the_budget_is_sent_alone() -> None:
    """Else it would never be sent."""
    now = [0.0]
    budget = RequestBudget(5, seconds=10.0, clock=lambda: now[0])
    assert budget.try_begin(50) == 0
    budget.end(50, sent=50)
    assert budget.try_begin(1) == pytest.approx(10.0)
    now[0] = 10.0
    assert budget.try_begin(1) == 0


def test_single_requests_wait_and_those_of_a_charged_run_do_not() -> None:
    """They were charged with it; and it would wait for itself."""
    budget = RequestBudget(2, seconds=0.3)
    began = time.monotonic()
    for _ in range(3):
        with budget.single():
            pass
    assert time.monotonic() - began >= 0.3
    full = RequestBudget(1)
    assert full.try_begin(1) == 0
    with full.charged(), full.single():
        pass


def test_without_a_limit_nothing_waits() -> None:
    """That is the default."""
    budget = RequestBudget()
    assert not budget.is_limited
    assert budget.try_begin(10**9) == 0
    budget.end(10**9, sent=10**9)
    done = threading.Event()

    def send() -> None:
        with budget.single():
            done.set()

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    assert done.is_set()


def test_requests_are_counted_without_a_limit() -> None:
    """Those of mfwb one by one, those of wandb-core as they were computed."""
    budget = RequestBudget()
    with budget.single(), budget.charged(), budget.single():
        budget.note_sent(2)
    budget.note_run(12)
    assert (budget.own, budget.by_core) == (4, 12)


def test_requests_that_asked_for_no_room_count() -> None:
    """What was sent leaves less room."""
    budget = RequestBudget(5, clock=lambda: 0.0)
    budget.note_sent(2)
    assert budget.try_begin(4) > 0
    assert budget.try_begin(3) == 0
