"""Attempts of a task, read from its metadata."""

from __future__ import annotations

import random

import pytest

from mfwb.snapshot import Attempt
from mfwb.source.attempts import Record, completed_attempts, to_attempts


def records(*rows: tuple[int, str, str]) -> list[Record]:
    """Return metadata of (time, name, value), in random order."""
    rows = tuple(random.Random(len(rows)).sample(rows, len(rows)))  # noqa: S311 - no secrets
    return [Record(name, value, name, time) for time, name, value in rows]


OK = records((10, "attempt", "0"), (20, "attempt_ok", "True"), (21, "attempt-done", "0"))
FAILED_THEN_OK = records(
    (10, "attempt", "0"),
    (20, "attempt_ok", "False"),
    (21, "attempt-done", "0"),
    (30, "attempt", "1"),
    (40, "attempt_ok", "True"),
    (41, "attempt-done", "1"),
    (5, "user", "ada"),
)
KILLED_THEN_OK = records(
    (10, "attempt", "0"),
    (30, "attempt", "1"),
    (40, "attempt_ok", "True"),
    (41, "attempt-done", "1"),
)
UNPICKLABLE = records((10, "attempt", "0"), (20, "attempt_ok", "False"))
AT_WORK = records((10, "attempt", "0"), (11, "ds-type", "local"))


def test_a_clone() -> None:
    """All records of a clone have the same time; they are still assigned to the right attempt."""
    for rows in range(20):
        clone = [Record(name, value, name, 10) for name, value in CLONE]
        random.Random(rows).shuffle(clone)  # noqa: S311 - no secrets

        assert to_attempts(clone) == (Attempt(0, ok=True, started_at=10, finished_at=10),)


CLONE = (("attempt", "0"), ("attempt_ok", "True"), ("attempt-done", "0"))


def test_ok() -> None:
    """An attempt lasts from `attempt` to `attempt-done`."""
    assert to_attempts(OK) == (Attempt(0, ok=True, started_at=10, finished_at=21),)
    assert completed_attempts(OK) == [0]


def test_failed_then_ok() -> None:
    """Each attempt has its own outcome and times."""
    assert to_attempts(FAILED_THEN_OK) == (
        Attempt(0, ok=False, started_at=10, finished_at=21),
        Attempt(1, ok=True, started_at=30, finished_at=41),
    )
    assert completed_attempts(FAILED_THEN_OK) == [0, 1]


def test_killed_then_ok() -> None:
    """An attempt that was killed has no outcome."""
    assert to_attempts(KILLED_THEN_OK) == (
        Attempt(0, ok=None, started_at=10, finished_at=None),
        Attempt(1, ok=True, started_at=30, finished_at=41),
    )
    assert completed_attempts(KILLED_THEN_OK) == [1]


def test_unpicklable() -> None:
    """An attempt that could not store its artifacts failed, and has none."""
    assert to_attempts(UNPICKLABLE) == (Attempt(0, ok=False, started_at=10, finished_at=20),)
    assert completed_attempts(UNPICKLABLE) == []


def test_at_work() -> None:
    """A running attempt has only a start."""
    assert to_attempts(AT_WORK) == (Attempt(0, ok=None, started_at=10, finished_at=None),)


def test_none() -> None:
    """A task that was only queued has no attempts."""
    assert to_attempts(records((5, "user", "ada"))) == ()


def test_ten_attempts() -> None:
    """Attempts are sorted by number."""
    rows = [(10 * number, "attempt", str(number)) for number in range(12)]
    done = [(10 * number + 5, "attempt-done", str(number)) for number in range(12)]

    assert [attempt.number for attempt in to_attempts(records(*rows, *done))] == list(range(12))
    assert completed_attempts(records(*rows, *done)) == list(range(12))


@pytest.mark.parametrize("value", ["True", "False"])
def test_all_at_one_time(value: str) -> None:
    """A task that took less than a millisecond has its outcome, in any order of its records."""
    listed = [
        Record("attempt-done", "0", "attempt-done", 10),
        Record("attempt_ok", value, "internal_attempt_status", 10),
        Record("attempt", "0", "attempt", 10),
    ]

    assert to_attempts(listed) == (Attempt(0, ok=value == "True", started_at=10, finished_at=10),)
