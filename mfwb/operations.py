"""The last operations of this process, for the log of a bug: what was done, and how it ended.

An operation is noted by its name: the purpose of a request, the path of a file, a phase of a flow
run. Neither contents nor keys belong here. Noting one takes about a microsecond.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

__all__ = [
    "MAX_OPERATIONS",
    "Operation",
    "last_operations",
    "note_operation",
    "noted",
    "passed_on_to",
]

MAX_OPERATIONS = 200
"""Operations that are kept; the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        at: when it was noted, in seconds since the epoch.
        thread: the name of its thread.
        part: what it belongs to, for example "datastore".
        text: the operation itself, for example "open Flow/1/start/1/0.data.json".
        seconds: how long it took; None if it was noted at its start, or takes no time.
    """

    at: float
    thread: str
    part: str
    text: str
    seconds: float | None = None

    @classmethod
    def now(cls, part: str, text: str, seconds: float | None = None) -> Operation:
        """Return an operation of this moment and this thread."""
        return cls(time.time(), threading.current_thread().name, part, text, seconds)

    def __str__(self) -> str:
        """Return time, thread, part, text and duration as one line."""
        clock = time.strftime("%H:%M:%S", time.gmtime(self.at))
        took = "" if self.seconds is None else f"  {self.seconds:.3f} s"
        moment = f"{clock}.{int(self.at % 1 * 1000):03d}Z"
        return f"{moment}  {self.thread:<20}  {self.part:<18}  {self.text}{took}"


_TRIES = 100  # to read what other threads write
_LAST: deque[Operation] = deque(maxlen=MAX_OPERATIONS)  # threads may append at the same time


def note_operation(part: str, text: str, seconds: float | None = None) -> None:
    """Note an operation."""
    operation = Operation.now(part, text, seconds)
    _LAST.append(operation)
    for listener in _LISTENERS:
        listener(operation)


_LISTENERS: tuple[Callable[[Operation], None], ...] = ()


@contextmanager
def passed_on_to(listener: Callable[[Operation], None]) -> Iterator[None]:
    """Pass on each operation that is noted meanwhile; any thread may call the listener."""
    global _LISTENERS  # noqa: PLW0603 - operations belong to the process
    _LISTENERS = (*_LISTENERS, listener)
    try:
        yield
    finally:
        _LISTENERS = tuple(kept for kept in _LISTENERS if kept is not listener)


@contextmanager
def noted(part: str, text: str) -> Iterator[None]:
    """Note the start of an operation, and then how long it took, or which error ended it."""
    note_operation(part, f"{text}: begins")
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        note_operation(part, f"{text}: ended by {type(error).__name__}", time.monotonic() - began)
        raise
    note_operation(part, f"{text}: done", time.monotonic() - began)


def last_operations() -> list[Operation]:
    """Return the last operations, oldest first."""
    for _ in range(_TRIES):
        with suppress(RuntimeError):  # another thread noted one meanwhile
            return list(_LAST)
    return []
