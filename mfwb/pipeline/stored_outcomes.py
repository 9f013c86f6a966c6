"""The outcomes of a call that finds a hundred thousand flow runs unchanged, in little memory."""

from __future__ import annotations

import json
from abc import abstractmethod
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, overload
from weakref import finalize

from mfwb.destination.addresses import bundle_folder, project_url_of_group
from mfwb.outcome import FlowRunOutcome, FlowRunOutcomes, SetAside, outcome_from_json
from mfwb.recorded_outcome import RecordedOutcome, as_recorded

__all__ = ["StoredOutcomes"]

_IN_MEMORY = 250_000  # bytes, from the first on; an outcome has some 3 KB
_OBJECTS = 20  # other outcomes that stay objects; one of ten W&B runs takes 40 KB


class _InSlots(Sequence[FlowRunOutcome]):
    """Outcomes by the slots that they are in, which are read when they are used."""

    _slots: array[int]

    @abstractmethod
    def in_slot(self, slot: int) -> FlowRunOutcome:
        """Return the outcome of a slot."""

    def __len__(self) -> int:
        return len(self._slots)

    @overload
    def __getitem__(self, index: int) -> FlowRunOutcome: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FlowRunOutcome, ...]: ...
    def __getitem__(self, index: int | slice) -> FlowRunOutcome | tuple[FlowRunOutcome, ...]:
        """Return an outcome, or some of them."""
        if isinstance(index, slice):
            return tuple(map(self.in_slot, self._slots[index]))
        return self.in_slot(self._slots[index])

    def __iter__(self) -> Iterator[FlowRunOutcome]:
        """Yield the outcomes; those of unchanged flow runs are read one after the other."""
        return map(self.in_slot, self._slots)


class StoredOutcomes(_InSlots, FlowRunOutcomes):
    """Outcomes in their order, all but a few in a temporary file without a name.

    They are read when they are used: what a call prints of unchanged flow runs without `--json` is
    a number.
    """

    def __init__(self, outcomes: Iterable[FlowRunOutcome] = ()) -> None:
        self._texts = _Texts()
        self._ends = array("Q")  # of these texts
        self._is_aside = array("b")  # of the same: whether the flow run is unchanged
        self._slots = array("q")  # a number of these, or -1, -2, ... of the objects
        self._objects: list[FlowRunOutcome] = []
        self._numbers: Counter[str] = Counter()
        self._pages: dict[str, None] = {}  # each once, in their order
        self._folders: dict[str, None] = {}
        for outcome in outcomes:
            self.append(outcome)

    def append(self, outcome: FlowRunOutcome) -> None:
        """Add an outcome behind the others."""
        self.fill(self.reserve(), outcome)

    def reserve(self) -> int:
        """Leave a slot behind the others, and return its position; `fill` has to be called."""
        self._slots.append(_EMPTY)
        return len(self) - 1

    def fill(self, position: int, outcome: FlowRunOutcome) -> None:
        """Put an outcome into a slot that was left."""
        recorded = as_recorded(outcome)
        is_few = recorded is None and len(self._objects) < _OBJECTS
        if is_few or not self._is_written(recorded or outcome):
            self._objects.append(outcome)
            self._slots[position] = -len(self._objects)
            return
        self._slots[position] = len(self._ends) - 1
        self._is_aside.append(recorded is not None)
        if recorded is not None:
            self._note(recorded, outcome)

    def _note(self, recorded: RecordedOutcome, outcome: FlowRunOutcome) -> None:
        self._numbers.update(recorded.numbers)
        if outcome.url is not None:
            self._pages[project_url_of_group(outcome.url)] = None
        elif folder := bundle_folder(run.dir for run in outcome.wandb_runs):
            self._folders[folder] = None

    @property
    def others(self) -> Sequence[FlowRunOutcome]:
        """The outcomes that are not set aside, in their order."""
        slots = (slot for slot in self._slots if slot < 0 or not self._is_aside[slot])
        return _Others(self, array("q", slots))

    @property
    def set_aside(self) -> SetAside:
        """What is known of all those that are in the file."""
        return SetAside(
            sum(self._is_aside), dict(self._numbers), tuple(self._pages), tuple(self._folders)
        )

    def _is_written(self, outcome: FlowRunOutcome) -> bool:
        """Write an outcome, and return whether that could be done: the disk may be full."""
        data = f"{json.dumps(outcome.url)}\n{outcome.to_json()}".encode("utf-8", "surrogatepass")
        start = self._ends[-1] if self._ends else 0
        try:
            self._texts.write(start, data)
        except OSError:
            return False
        self._ends.append(start + len(data))
        return True

    def in_slot(self, slot: int) -> FlowRunOutcome:
        """Return the outcome of a slot."""
        if slot < 0:
            return self._objects[-slot - 1]
        start = self._ends[slot - 1] if slot else 0
        data = self._texts.read(start, self._ends[slot])
        url, _, text = data.decode("utf-8", "surrogatepass").partition("\n")
        if not self._is_aside[slot]:
            return outcome_from_json(text)
        return RecordedOutcome.of_text(text, url=json.loads(url))

    def __eq__(self, other: object) -> bool:
        """Return whether the outcomes are equal, wherever they are kept."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        """Return the hash of a tuple of the outcomes, to which this is equal."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Return what a tuple of the outcomes returns."""
        return repr(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made."""
        return StoredOutcomes, (tuple(self),)


class _Texts:
    """Texts one after the other: the first in memory, all others in a file; thread-safe.

    A `SpooledTemporaryFile` loses what it has in memory when the disk is full. Nor is anything
    buffered: an error would come too late to keep the outcome.
    """

    def __init__(self) -> None:
        self._first = bytearray()
        self._file: FileIO | None = None
        self._lock = Lock()

    def write(self, start: int, data: bytes) -> None:
        """Write a text behind the others; OSError if it has no room, which harms no other one."""
        with self._lock:
            if self._file is None and start + len(data) <= _IN_MEMORY:
                self._first += data
                return
            file = self._open()
            file.seek(start - len(self._first))
            unwritten = memoryview(data)
            while unwritten:
                unwritten = unwritten[file.write(unwritten) :]

    def read(self, start: int, end: int) -> bytes:
        """Return what was written there."""
        with self._lock:
            if self._file is None or end <= len(self._first):
                return bytes(self._first[start:end])
            self._file.seek(start - len(self._first))
            parts = []
            while (left := end - start) and (part := self._file.read(left)):
                parts.append(part)
                start += len(part)
            return b"".join(parts)

    def _open(self) -> FileIO:
        if self._file is None:
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - as this object
            finalize(self, self._file.close)
        return self._file


class _Others(_InSlots):
    """Some of the outcomes."""

    def __init__(self, outcomes: StoredOutcomes, slots: array[int]) -> None:
        self._outcomes = outcomes
        self._slots = slots

    def in_slot(self, slot: int) -> FlowRunOutcome:
        return self._outcomes.in_slot(slot)


_EMPTY = -(2**62)
