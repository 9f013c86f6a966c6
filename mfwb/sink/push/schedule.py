"""In which order the W&B runs of a bundle are sent, and which of them at once.

What a W&B run uses has to be logged before. And of those that log the same content, or one name
with several types, the oldest comes first and alone, as online: W&B makes several versions of what
it is sent at once. Whoever waits, waits for some that come before it; so there is always one that
can be sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Schedule", "ScheduledRun"]

Content = tuple[str, str]
"""Name and digest."""

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ScheduledRun(Generic[T]):
    """A W&B run that is to be sent.

    Attributes:
        of: the key of the W&B run.
        flow_run: the place of its flow run among all, oldest first.
        level: all that it uses is logged by W&B runs of lower ones.
        types: of the names that it logs.
        logged: what it logs.
        used: what it uses.
    """

    of: T
    flow_run: int
    level: int
    types: Collection[tuple[str, str]] = ()
    logged: Collection[Content] = ()
    used: Collection[Content] = ()


class Schedule(Generic[T]):
    """What is still to be sent; whoever sends it says what became of it."""

    def __init__(self, items: Iterable[ScheduledRun[T]]) -> None:
        self._waiting = dict(enumerate(_producers_first(items)))
        self._sent: dict[int, ScheduledRun[T]] = {}
        self._levels: dict[int, Counter[int]] = defaultdict(Counter)  # that are not over
        self._makers: dict[Content, dict[int, None]] = defaultdict(dict)  # that are not over
        self._there: set[Content] = set()
        self._typed: set[str] = set()  # names whose type is settled
        for place, item in self._waiting.items():
            self._levels[item.flow_run][item.level] += 1
            for content in item.logged:
                self._makers[content][place] = None

    def take(self, most: int) -> list[T]:
        """Return those that may be sent now, at once; none if nothing is left.

        All that were returned before have to be over by now.
        """
        contents: set[Content] = set()  # of those that come before
        types: dict[str, set[str]] = defaultdict(set)
        for place, item in self._waiting.items():
            if len(self._sent) == most:
                break
            new = {*item.logged} - self._there
            clashes = any(types[name] - {type_} for name, type_ in item.types)
            if new.isdisjoint(contents) and not clashes and self._has_all(item, place):
                self._sent[place] = item
            contents |= new
            for name, type_ in item.types:
                if name not in self._typed:
                    types[name].add(type_)
        for place in self._sent:
            del self._waiting[place]
        return [item.of for item in self._sent.values()]

    def over(self, arrived: Collection[T]) -> None:
        """Hear that all that were returned last are over, and which of them are there."""
        there = set(arrived)
        for place, item in self._sent.items():
            self._forget(place, item)
            if item.of in there:
                self._there.update(item.logged)
                self._typed.update(name for name, _ in item.types)
        self._sent = {}

    def drop(self, flow_runs: Collection[int]) -> None:
        """Hear that nothing more is to be sent of some flow runs."""
        gone = {at: one for at, one in self._waiting.items() if one.flow_run in flow_runs}
        for place, item in gone.items():
            self._forget(place, item)
            del self._waiting[place]

    def _has_all(self, item: ScheduledRun[T], place: int) -> bool:
        """Whether what a W&B run uses is there, as far as it will ever be."""
        levels = self._levels[item.flow_run]
        if any(number and level < item.level for level, number in levels.items()):
            return False
        missing = (one for one in item.used if one not in self._there)
        return all(next(iter(self._makers.get(one, ())), place) >= place for one in missing)

    def _forget(self, place: int, item: ScheduledRun[T]) -> None:
        self._levels[item.flow_run][item.level] -= 1
        for content in item.logged:
            self._makers[content].pop(place, None)


def _producers_first(items: Iterable[ScheduledRun[T]]) -> Iterator[ScheduledRun[T]]:
    """Yield all, oldest flow run first, but after what they use of a younger one."""
    ordered = sorted(items, key=lambda one: (one.flow_run, one.level))
    before = _Before(ordered)
    for first in range(len(ordered)):
        stack = [first]
        while stack:  # of ever lower levels
            earlier = before.missing(stack[-1])
            if earlier is not None:
                stack.append(earlier)
                continue
            at = stack.pop()
            if before.note(at):
                yield ordered[at]


class _Before(Generic[T]):
    """What has to come before each."""

    def __init__(self, items: Sequence[ScheduledRun[T]]) -> None:
        self._items = items
        self._done: set[int] = set()
        self._made: set[Content] = set()
        self._makers: dict[Content, list[int]] = defaultdict(list)
        self._first: dict[int, int] = {}  # of each flow run, that has not been yielded
        for at, item in enumerate(items):
            self._first.setdefault(item.flow_run, at)
            for content in item.logged:
                self._makers[content].append(at)

    def missing(self, at: int) -> int | None:
        """Return one that has to come before; None if all have."""
        item = self._items[at]
        first = self._first[item.flow_run]
        while first < at and first in self._done:
            first += 1
        self._first[item.flow_run] = first
        if first < at and self._items[first].level < item.level:
            return first
        for content in item.used:
            if content not in self._made:
                makers = self._makers.get(content, ())
                found = next((one for one in makers if self._items[one].level < item.level), None)
                if found is not None:
                    return found
        return None

    def note(self, at: int) -> bool:
        """Hear that one comes next; return whether it has not come before."""
        if at in self._done:
            return False
        self._done.add(at)
        self._made.update(self._items[at].logged)
        return True
