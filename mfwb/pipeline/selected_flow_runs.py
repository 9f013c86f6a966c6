"""Selected flow runs, of which there may be a hundred thousand."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from mfwb.ports import ListedFlowRun, ListedFlowRuns
from mfwb.snapshot.pathspec import Pathspec

__all__ = ["SelectedFlowRun", "SelectedFlowRuns"]

_SHIFT = 40  # bits of a position in a listing


@dataclass(frozen=True, slots=True)
class SelectedFlowRun:
    """A selected flow run.

    Attributes:
        pathspec: its pathspec. A flow alone, or `latest`, stands for a flow run that was not found:
            reading it raises the error with the reason.
        listed: its entry in the listing; None if the user gave its name, or if it is not listed.
        error: why the runs of the flow could not be listed, if a second request would not show it.
    """

    pathspec: Pathspec
    listed: ListedFlowRun | None = None
    error: BaseException | None = field(default=None, compare=False)


class SelectedFlowRuns(Sequence[SelectedFlowRun]):
    """Selected flow runs in their order; of those that are listed, only the positions are kept."""

    def __init__(self, flow_runs: Iterable[SelectedFlowRun] = ()) -> None:
        self._listings: list[ListedFlowRuns] = []
        self._others: list[SelectedFlowRun] = []  # those that are kept as they are
        self._codes = array("q")  # a listing and a position in it, or -1, -2, ... of the others
        for flow_run in flow_runs:
            self._add(flow_run)

    @classmethod
    def of_listing(cls, listed: ListedFlowRuns, positions: Iterable[int]) -> SelectedFlowRuns:
        """Return the flow runs at these positions of a listing, in that order."""
        selected = cls()
        selected._listings.append(listed)
        selected._codes.extend(positions)
        return selected

    @property
    def flows(self) -> set[str]:
        """The flows of the flow runs."""
        listings = {code >> _SHIFT: code for code in self._codes if code >= 0}
        listed = {self._at(code).pathspec.flow for code in listings.values()}
        return listed | {flow_run.pathspec.flow for flow_run in self._others}

    def extend(self, more: SelectedFlowRuns) -> None:
        """Append other flow runs."""
        first_listing = len(self._listings) << _SHIFT
        first_other = len(self._others)
        self._listings += more._listings
        self._others += more._others
        self._codes.extend(
            code + first_listing if code >= 0 else code - first_other for code in more._codes
        )

    def oldest_first(self) -> SelectedFlowRuns:
        """Return the flow runs by their starts; those that are not listed come first."""
        starts = array("q", map(self._started_at, self._codes))
        order = sorted(range(len(self)), key=starts.__getitem__)
        return self._with(self._codes[position] for position in order)

    def unique(self) -> SelectedFlowRuns:
        """Return the flow runs, the first of those with equal pathspecs.

        A listing has each once, so only a flow run that is not of one can be there twice.
        """
        others = {flow_run.pathspec for flow_run in self._others}
        if not others:
            return self
        seen: set[Pathspec] = set()

        def is_first(flow_run: SelectedFlowRun) -> bool:
            is_new = flow_run.pathspec not in seen
            if flow_run.pathspec in others:
                seen.add(flow_run.pathspec)
            return is_new

        return self.filtered(is_first)

    def filtered(self, is_kept: Callable[[SelectedFlowRun], bool]) -> SelectedFlowRuns:
        """Return the flow runs for which a function returns True."""
        return self._with(code for code in self._codes if is_kept(self._at(code)))

    def _with(self, codes: Iterable[int]) -> SelectedFlowRuns:
        result = SelectedFlowRuns()
        result._listings += self._listings
        result._others += self._others
        result._codes.extend(codes)
        return result

    def _add(self, flow_run: SelectedFlowRun) -> None:
        self._others.append(flow_run)
        self._codes.append(-len(self._others))

    def _at(self, code: int) -> SelectedFlowRun:
        if code < 0:
            return self._others[-code - 1]
        listed = self._listings[code >> _SHIFT][code & _POSITION]
        return SelectedFlowRun(listed.pathspec, listed)

    def _started_at(self, code: int) -> int:
        if code >= 0:
            return self._listings[code >> _SHIFT].started_at(code & _POSITION)
        listed = self._others[-code - 1].listed
        return listed.started_at if listed else 0

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> SelectedFlowRun: ...
    @overload
    def __getitem__(self, index: slice) -> SelectedFlowRuns: ...
    def __getitem__(self, index: int | slice) -> SelectedFlowRun | SelectedFlowRuns:
        """Return a flow run, or some of them."""
        if isinstance(index, slice):
            return self._with(self._codes[index])
        return self._at(self._codes[index])

    def __iter__(self) -> Iterator[SelectedFlowRun]:
        """Yield the flow runs; each is made for that."""
        return map(self._at, self._codes)

    def __eq__(self, other: object) -> bool:
        """Return whether the same flow runs are there in the same order."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # it is a mutable sequence


_POSITION = (1 << _SHIFT) - 1
