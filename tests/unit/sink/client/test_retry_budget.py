"""Retries with one shared budget."""

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


class FailingAction:
    """An action that fails a number of times, each after some seconds."""

    def __init__(self, clock: Clock, failures: int, seconds: float) -> None:
        self.calls = 0
        self._clock = clock
        self._failures = failures
        self._seconds = seconds

    def __call__(self) -> str:
        """Return a value, or fail."""
        self.calls += 1
        if self.calls <= self._failures:
            self._clock.now += self._seconds
            raise CommError("no way")
        return "done"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that pauses move forward, too."""
    result = Clock()

    def sleep(seconds: float) -> None:
        result.now += seconds

    monkeypatch.setattr("mfwb.sink.client.retry_budget.time.sleep", sleep)
    monkeypatch.setattr("mfwb.sink.client.retry_budget.random.uniform", max)
    return result


def test_it_passes(clock: Clock) -> None:
    """An action that fails for a while is retried until it succeeds."""
    action = FailingAction(clock, failures=4, seconds=1)

    assert RetryBudget(60, clock).attempt(action, "do it") == "done"
    assert action.calls == 5


def test_it_lasts(clock: Clock) -> None:
    """When the budget is spent, the error has the last failure and the purpose."""
    retry_budget = RetryBudget(20, clock)
    with pytest.raises(SinkError, match="can't do it: no way"):
        retry_budget.attempt(FailingAction(clock, failures=1000, seconds=3), "do it")

    assert clock.now <= 20 + 3 + 10
    assert retry_budget.seconds_left == 0


def test_nobody_waits_for_the_same_again(clock: Clock) -> None:
    """The next request fails at once; after the cooldown a request is sent again."""
    retry_budget = RetryBudget(5, clock)
    with pytest.raises(SinkError):
        retry_budget.attempt(FailingAction(clock, failures=1000, seconds=3), "do it")
    later = FailingAction(clock, failures=0, seconds=0)

    with pytest.raises(SinkError, match="--timeout"):
        retry_budget.attempt(later, "do more")
    assert later.calls == 0
    clock.now += 60
    assert retry_budget.attempt(later, "do more") == "done"


def test_what_is_final_is_not_tried_again(clock: Clock) -> None:
    """A final answer is not retried."""

    class RefusedError(CommError):
        """A refusal as wandb-core reports it."""

        class response:  # noqa: N801 - an attribute of wandb's
            """The server's answer."""

            http_status = 401

    calls = []

    def action() -> None:
        calls.append(1)
        raise RefusedError("invalid API key")

    with pytest.raises(SinkError, match="invalid API key"):
        RetryBudget(60, clock).attempt(action, "do it")
    assert len(calls) == 1


def test_time_in_trouble_counts_once(clock: Clock) -> None:
    """Two threads that wait for the same outage spend as much as one."""
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
    """Its open runs are lost, and have to be opened again."""
    calls = []

    def action() -> None:
        calls.append(1)
        if is_hidden:
            raise CommError("no answer") from MailboxClosedError()
        raise MailboxClosedError

    with pytest.raises(MailboxClosedError):
        RetryBudget(60, clock).attempt(action, "hear of an artifact")
    assert len(calls) == 1
