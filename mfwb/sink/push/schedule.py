"""The schedule of a push: the order of the W&B runs, and which of them are sent at once.

The artifacts that a W&B run uses have to be logged before it. If several W&B runs log the same
content, or one name with several types, the oldest is sent first and alone, as online: W&B creates
several versions if it receives the same content at once. Siblings that come after one that waits,
and log new contents of the same names, wait with it: versions are numbered in their order. A W&B
run only waits for some that come before it, so there is always one that can be sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Schedule", "ScheduledRun"]

Content = tuple[str, str]
"""Name and digest of an artifact."""

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ScheduledRun(Generic[T]):
    """A W&B run that has to be sent.

    Attributes:
        key: identifies the W&B run.
        flow_run: the position of its flow run among all, oldest first.
        level: the W&B run only uses artifacts of W&B runs of lower levels.
        types: names and types of the artifacts that it logs.
        logged: the artifacts that it logs.
        used: the artifacts that it uses.
    """

    key: T
    flow_run: int
    level: int
    types: Collection[tuple[str, str]] = ()
    logged: Collection[Content] = ()
    used: Collection[Content] = ()


class Schedule(Generic[T]):
    """The W&B runs that still have to be sent, in their order."""

    def __init__(self, runs: Iterable[ScheduledRun[T]]) -> None:
        self._pending = dict(enumerate(_sort_producers_first(runs)))
        self._sending: dict[int, ScheduledRun[T]] = {}
        self._levels: dict[int, Counter[int]] = defaultdict(Counter)  # of W&B runs not done yet
        self._producers: dict[Content, dict[int, None]] = defaultdict(dict)  # not done yet
        self._logged: set[Content] = set()
        self._typed: set[str] = set()  # names that have a type in W&B
        for position, run in self._pending.items():
            self._levels[run.flow_run][run.level] += 1
            for content in run.logged:
                self._producers[content][position] = None

    def take(self, max_items: int) -> list[T]:
        """Return the keys of W&B runs that may be sent at once now; empty if nothing is left.

        All W&B runs that were returned before have to be completed by now.
        """
        contents: set[Content] = set()  # of the W&B runs that come before
        waiting: set[tuple[int, str]] = set()  # flow runs and names that will get a version first
        types: dict[str, set[str]] = defaultdict(set)
        for position, run in self._pending.items():
            if len(self._sending) == max_items:
                break
            new = {*run.logged} - self._logged
            clashes = any(types[name] - {type_} for name, type_ in run.types)
            numbered = {(run.flow_run, name) for name, _ in new - contents}
            if (
                new.isdisjoint(contents)
                and numbered.isdisjoint(waiting)
                and not clashes
                and self._has_inputs(run, position)
            ):
                self._sending[position] = run
            else:
                waiting |= numbered
            contents |= new
            for name, type_ in run.types:
                if name not in self._typed:
                    types[name].add(type_)
        for position in self._sending:
            del self._pending[position]
        return [run.key for run in self._sending.values()]

    def complete(self, arrived: Collection[T]) -> None:
        """Complete the W&B runs that were taken last.

        Args:
            arrived: the keys of those that W&B has now; the others failed.
        """
        keys = set(arrived)
        for position, run in self._sending.items():
            self._remove(position, run)
            if run.key in keys:
                self._logged.update(run.logged)
                self._typed.update(name for name, _ in run.types)
        self._sending = {}

    def drop(self, flow_runs: Collection[int]) -> None:
        """Remove the pending W&B runs of some flow runs, by position."""
        dropped = {
            position: run for position, run in self._pending.items() if run.flow_run in flow_runs
        }
        for position, run in dropped.items():
            self._remove(position, run)
            del self._pending[position]

    def _has_inputs(self, run: ScheduledRun[T], position: int) -> bool:
        """Whether no pending W&B run could still log an artifact that a W&B run uses."""
        levels = self._levels[run.flow_run]
        if any(number and level < run.level for level, number in levels.items()):
            return False
        missing = (content for content in run.used if content not in self._logged)
        return all(
            next(iter(self._producers.get(content, ())), position) >= position
            for content in missing
        )

    def _remove(self, position: int, run: ScheduledRun[T]) -> None:
        self._levels[run.flow_run][run.level] -= 1
        for content in run.logged:
            self._producers[content].pop(position, None)


def _sort_producers_first(runs: Iterable[ScheduledRun[T]]) -> Iterator[ScheduledRun[T]]:
    """Yield all W&B runs, oldest flow run first, but each after its producers in younger ones."""
    ordered = sorted(runs, key=lambda run: (run.flow_run, run.level))
    predecessors = _Predecessors(ordered)
    for first in range(len(ordered)):
        stack = [first]
        while stack:  # each entry has a lower level than the one below it
            earlier = predecessors.missing(stack[-1])
            if earlier is not None:
                stack.append(earlier)
                continue
            position = stack.pop()
            if predecessors.mark_done(position):
                yield ordered[position]


class _Predecessors(Generic[T]):
    """The W&B runs that have to come before each other one."""

    def __init__(self, runs: Sequence[ScheduledRun[T]]) -> None:
        self._runs = runs
        self._done: set[int] = set()
        self._logged: set[Content] = set()
        self._producers: dict[Content, list[int]] = defaultdict(list)
        self._first: dict[int, int] = {}  # by flow run: its first W&B run that is not done
        for position, run in enumerate(runs):
            self._first.setdefault(run.flow_run, position)
            for content in run.logged:
                self._producers[content].append(position)

    def missing(self, position: int) -> int | None:
        """Return the position of a predecessor that is not done; None if all are done."""
        run = self._runs[position]
        first = self._first[run.flow_run]
        while first < position and first in self._done:
            first += 1
        self._first[run.flow_run] = first
        if first < position and self._runs[first].level < run.level:
            return first
        for content in run.used:
            if content not in self._logged:
                producers = self._producers.get(content, ())
                lower = (at for at in producers if self._runs[at].level < run.level)
                producer = next(lower, None)
                if producer is not None:
                    return producer
        return None

    def mark_done(self, position: int) -> bool:
        """Mark a W&B run as done; return whether it was not done before."""
        if position in self._done:
            return False
        self._done.add(position)
        self._logged.update(self._runs[position].logged)
        return True
