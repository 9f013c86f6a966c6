"""The flow runs of a listing: the facts of each before it is read, and many of them in little."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from mfwb.snapshot.pathspec import Pathspec

__all__ = ["ListedFlowRun", "ListedFlowRuns"]


@dataclass(frozen=True, slots=True)
class ListedFlowRun:
    """A flow run in a listing: its facts before it is read.

    Attributes:
        pathspec: of the flow run.
        started_at: epoch ms. Not Metaflow's created_at: tagging changes that of a local run.
        tags: the user's, sorted.
        system_tags: Metaflow's own, sorted; they never change.
    """

    pathspec: Pathspec
    started_at: int
    tags: tuple[str, ...]
    system_tags: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """What can change after the flow run has ended, as text for the ledger."""
        return "\n".join(self.tags)


_Group = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What many flow runs have in common: the flow, the user's tags, and Metaflow's."""


class ListedFlowRuns(Sequence[ListedFlowRun]):
    """Listed flow runs of one flow or of several.

    A hundred thousand objects take 25 MB, these columns 2 MB: a number as id, as Metaflow gives
    them, the start, and the number of a group of tags. Only of others the object is kept.
    """

    __slots__ = ("_groups", "_ids", "_numbers", "_others", "_starts")

    def __init__(self, flow_runs: Iterable[ListedFlowRun] = ()) -> None:
        self._ids = array("q")  # -1: an object is kept
        self._starts = array("q")
        self._numbers = array("L")  # of the group
        self._others: dict[int, ListedFlowRun] = {}  # by position
        numbers: dict[_Group, int] = {}
        for position, listed in enumerate(flow_runs):
            run_id = _number(listed)
            if run_id is None:
                self._others[position] = listed
                self._append(-1, 0, 0)
            else:
                group = listed.pathspec.flow, listed.tags, listed.system_tags
                number = numbers.setdefault(group, len(numbers))
                self._append(run_id, listed.started_at, number)
        self._groups: list[_Group] = list(numbers)

    def _append(self, run_id: int, started_at: int, number: int) -> None:
        self._ids.append(run_id)
        self._starts.append(started_at)
        self._numbers.append(number)

    @classmethod
    def of(cls, flow_runs: Iterable[ListedFlowRun]) -> ListedFlowRuns:
        """Return flow runs in this form, in their order."""
        return flow_runs if isinstance(flow_runs, cls) else cls(flow_runs)

    @property
    def objects(self) -> Sequence[ListedFlowRun]:
        """Those of which the object is kept: all whose id is not a number, for example."""
        return tuple(self._others.values())

    def started_at(self, position: int) -> int:
        """Return when a flow run started, in epoch ms."""
        other = self._others.get(position) if self._ids[position] < 0 else None
        return self._starts[position] if other is None else other.started_at

    def at(self, positions: Iterable[int]) -> ListedFlowRuns:
        """Return the flow runs at these positions, in that order."""
        return ListedFlowRuns(self[position] for position in positions)

    def newest_first(self) -> ListedFlowRuns:
        """Return the flow runs, newest first; of one start, the highest id, mostly a number."""
        if self._others:
            return self.at(sorted(range(len(self)), key=self._start_order, reverse=True))
        # The same without a tuple and a text for each.
        order = sorted(range(len(self)), key=self._ids.__getitem__, reverse=True)
        order.sort(key=self._starts.__getitem__, reverse=True)
        return self.at(order)

    def _start_order(self, position: int) -> tuple[int, int, str]:
        listed = self[position]
        run = str(listed.pathspec.run)
        return listed.started_at, len(run), run

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> ListedFlowRun: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ListedFlowRun]: ...
    def __getitem__(self, index: int | slice) -> ListedFlowRun | Sequence[ListedFlowRun]:
        """Return a flow run, or some of them."""
        if isinstance(index, slice):
            return self.at(range(*index.indices(len(self))))
        return self._at(range(len(self))[index])

    def __iter__(self) -> Iterator[ListedFlowRun]:
        """Yield the flow runs; each is made for that."""
        return map(self._at, range(len(self)))

    def _at(self, position: int) -> ListedFlowRun:
        run_id = self._ids[position]
        if run_id < 0:
            return self._others[position]
        flow, tags, system_tags = self._groups[self._numbers[position]]
        return ListedFlowRun(Pathspec(flow, str(run_id)), self._starts[position], tags, system_tags)


def _number(listed: ListedFlowRun) -> int | None:
    """Return the id of a flow run as a number; None if the columns can't have the flow run."""
    run = listed.pathspec.run
    if run is None or not (run.isascii() and run.isdecimal() and len(run) <= _DIGITS):
        return None
    is_canonical = run == "0" or run[0] != "0"
    return int(run) if is_canonical and abs(listed.started_at) <= _LARGEST else None


_LARGEST = 2**63 - 1
_DIGITS = len(str(_LARGEST)) - 1
