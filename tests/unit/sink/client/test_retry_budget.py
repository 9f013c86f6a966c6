"""Trying again, on one budget."""

from __future__ import annotations

import pytest
from wandb.errors import CommError
from wandb.sdk.mailbox.mailbox import MailboxClosedError

from mfwb.errors import SinkError
from mfwb.sink.client.retry_budget import RetryBudget


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


class Deed:
    """Fails so many times, each of which takes a while."""

    def __init__(self, clock: Clock, failures: int, seconds: float) -> None:
        self.calls = 0
        self._clock = clock
        self._failures = failures
        self._seconds = seconds

    def __call__(self) -> str:
        """Return something, or fail."""
        self.calls += 1
        if self.calls <= self._failures:
            self._clock.now += self._seconds
            raise CommError("no way")
        return "done"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that pauses move on, too."""
    found = Clock()

    def sleep(seconds: float) -> None:
        found.now += seconds

    monkeypatch.setattr("mfwb.sink.client.retry_budget.time.sleep", sleep)
    monkeypatch.setattr("mfwb.sink.client.retry_budget.random.uniform", max)
    return found


def test_it_passes(clock: Clock) -> None:
    """What fails for a while is tried until it does not."""
    deed = Deed(clock, failures=4, seconds=1)

    assert RetryBudget(60, clock).attempt(deed, "do it") == "done"
    assert deed.calls == 5


def test_it_lasts(clock: Clock) -> None:
    """When the budget is spent the last failure is told, and what was to be done."""
    retry_budget = RetryBudget(20, clock)
    with pytest.raises(SinkError, match="can't do it: no way"):
        retry_budget.attempt(Deed(clock, failures=1000, seconds=3), "do it")

    assert clock.now <= 20 + 3 + 10
    assert retry_budget.seconds_left == 0


def test_nobody_waits_for_the_same_again(clock: Clock) -> None:
    """Who comes right after is told at once; a while later one may try again."""
    retry_budget = RetryBudget(5, clock)
    with pytest.raises(SinkError):
        retry_budget.attempt(Deed(clock, failures=1000, seconds=3), "do it")
    later = Deed(clock, failures=0, seconds=0)

    with pytest.raises(SinkError, match="--timeout"):
        retry_budget.attempt(later, "do more")
    assert later.calls == 0
    clock.now += 60
    assert retry_budget.attempt(later, "do more") == "done"


def test_what_is_final_is_not_tried_again(clock: Clock) -> None:
    """An answer that will stay the same is believed the first time."""

    class RefusedError(CommError):
        """A refusal as wandb-core tells it."""

        class response:  # noqa: N801 - an attribute of wandb's
            """What the server answered."""

            http_status = 401

    calls = []

    def deed() -> None:
        calls.append(1)
        raise RefusedError("invalid API key")

    with pytest.raises(SinkError, match="invalid API key"):
        RetryBudget(60, clock).attempt(deed, "do it")
    assert len(calls) == 1


def test_time_in_trouble_counts_once(clock: Clock) -> None:
    """Two that wait for the same outage spend what one of them would."""
    retry_budget = RetryBudget(100, clock)

    def both() -> None:
        with retry_budget.count_failed_wait(), retry_budget.count_failed_wait():
            clock.now += 30
            raise CommError("no way")

    with pytest.raises(CommError):
        both()

    assert retry_budget.seconds_left == 70


@pytest.mark.parametrize("is_hidden", [False, True])
def test_the_end_of_wandb_core_is_not_tried_again(clock: Clock, is_hidden: bool) -> None:  # noqa: FBT001
    """What was open in it is lost; whoever opened it has to begin anew."""
    calls = []

    def deed() -> None:
        calls.append(1)
        if is_hidden:
            raise CommError("no answer") from MailboxClosedError()
        raise MailboxClosedError

    with pytest.raises(MailboxClosedError):
        RetryBudget(60, clock).attempt(deed, "hear of an artifact")
    assert len(calls) == 1
