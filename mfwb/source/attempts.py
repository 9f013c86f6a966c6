"""Attempts of a task, read from its metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.snapshot import Attempt
from mfwb.source.typed_values import DamagedError

__all__ = ["Record", "completed_attempts", "to_attempts"]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a task's metadata."""

    name: str
    value: str
    type: str
    created_at: int  # epoch ms


@dataclass(slots=True)
class _AttemptFacts:
    ok: bool | None = None
    started_at: int | None = None
    finished_at: int | None = None


def to_attempts(records: Iterable[Record]) -> tuple[Attempt, ...]:
    """Return the attempts, oldest first.

    The record `attempt` marks the start of an attempt, and `attempt-done` its end (an attempt that
    could not store its artifacts has none). `attempt_ok` between the two is its outcome.

    Raises:
        DamagedError: an attempt has no valid number.
    """
    by_number: dict[int, _AttemptFacts] = {}
    current = _AttemptFacts()
    for record in sorted(records, key=_time_order):
        if record.name == "attempt":
            current = by_number.setdefault(_number(record), _AttemptFacts())
            current.started_at = record.created_at
        elif record.name == "attempt_ok":
            current.ok = record.value == "True"
            current.finished_at = record.created_at
        elif record.name == "attempt-done":
            by_number.setdefault(_number(record), current).finished_at = record.created_at
    return tuple(
        Attempt(number, facts.ok, facts.started_at, facts.finished_at)
        for number, facts in sorted(by_number.items())
    )


_ORDER = ("attempt", "attempt_ok", "attempt-done")


def _time_order(record: Record) -> tuple[int, int]:
    """Return a sort key: time, then kind, since all records of a clone have the same time."""
    rank = _ORDER.index(record.name) if record.name in _ORDER else len(_ORDER)
    return record.created_at, rank


def completed_attempts(records: Iterable[Record]) -> list[int]:
    """Return the numbers of the attempts whose artifacts are complete, ascending; DamagedError."""
    return sorted({_number(record) for record in records if record.name == "attempt-done"})


_NUMBER = re.compile(r"[0-9]{1,3}")  # Metaflow makes six attempts, unless configured for more


def _number(record: Record) -> int:
    """Return the number of an attempt; DamagedError. It becomes part of a path."""
    if not _NUMBER.fullmatch(record.value):
        raise DamagedError(f"its metadata {record.name!r} is not the number of an attempt")
    return int(record.value)
