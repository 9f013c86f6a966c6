"""Run queue: the W&B runs of all flow runs of a call, taken by workers in their order.

The order is what keeps workers from waiting for each other for ever. A W&B run may wait for others
while it is written: for those whose artifacts it uses, and for those that log earlier versions of
the same name. All of these are enqueued before it. So it must never be taken before them: taking
the next one, and waiting until there is room for it, are one step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Any, Generic, TypeVar

from mfwb.pipeline.open_limit import OpenLimit
from mfwb.request_budget import RequestBudget

__all__ = ["Done", "RunQueue"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A W&B run after a worker has written it, or has found that there is nothing to write.

    Attributes:
        result: of the work.
        wrote: whether anything was written.
        refused: requests that W&B refused at first because they were too many.
    """

    result: T
    wrote: bool = True
    refused: int = 0


@dataclass(slots=True)
class _Item(Generic[T]):
    """A W&B run in the line.

    Attributes:
        work: writes it.
        size: the bytes of its payload.
        requests: that writing it takes.
    """

    work: Callable[[], Done[T]]
    size: int
    requests: int
    future: Future[T] = field(default_factory=Future)


class RunQueue:
    """A line of W&B runs, and the workers that write them."""

    def __init__(
        self, workers: int, *, max_bytes: int, budget: RequestBudget | None = None
    ) -> None:
        """Start with nobody in the line.

        Args:
            workers: W&B runs that are written at a time, at most.
            max_bytes: of the payloads of those that are written at a time; a larger one is
                written alone.
            budget: of requests to W&B; None: there is no limit.
        """
        self._budget = budget or RequestBudget()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="mfwb-worker")
        self._limit = OpenLimit(workers)
        self._max_bytes = max_bytes
        self._items: deque[_Item[Any]] = deque()
        self._turnstile = Lock()  # held by the worker that takes the next one
        self._changed = Condition()
        self._taken = 0  # W&B runs that are being written
        self._bytes = 0  # of their payloads
        self._ended = False

    def submit(self, work: Callable[[], Done[T]], *, size: int, requests: int) -> Future[T]:
        """Enqueue a W&B run, and return the future of its result; RuntimeError after the end."""
        item = _Item(work, size, requests)
        with self._changed:
            self._items.append(item)
            self._pool.submit(self._work_on_next)
        return item.future

    def waiting(self) -> int:
        """Return the number of W&B runs that no worker has taken."""
        with self._changed:
            return len(self._items)

    def cancel(self) -> None:
        """Let no worker take another W&B run; those that wait are cancelled."""
        with self._changed:
            self._ended = True
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
        for item in items:
            item.future.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop the workers after all work is done."""
        self._pool.shutdown()

    def _work_on_next(self) -> None:
        item = self._take()
        if item is None:
            return
        try:
            with self._budget.charged():
                done = item.work()
        except BaseException as error:  # noqa: BLE001 - the future passes it on
            self._give_back(item, None)
            item.future.set_exception(error)
        else:
            self._give_back(item, done)
            item.future.set_result(done.result)

    def _take(self) -> _Item[Any] | None:
        """Return the first W&B run in the line once there is room for it; None if it is gone."""
        with self._turnstile, self._changed:
            while self._items:
                item = self._items[0]
                while not (self._ended or self._has_room(item)):
                    self._changed.wait()
                while not self._ended and (seconds := self._budget.try_begin(item.requests)):
                    self._changed.wait(seconds)
                if self._ended:
                    return None
                self._items.popleft()
                if item.future.set_running_or_notify_cancel():
                    self._taken += 1
                    self._bytes += item.size
                    return item
                self._budget.end(item.requests, sent=0)
            return None

    def _has_room(self, item: _Item[Any]) -> bool:
        if not self._taken or item.future.cancelled():
            return True
        return self._taken < self._limit.now and self._bytes + item.size <= self._max_bytes

    def _give_back(self, item: _Item[Any], done: Done[Any] | None) -> None:
        """Make room after a W&B run was written; None: that failed."""
        was_sent = done is None or done.wrote
        self._budget.end(item.requests, sent=item.requests if was_sent else 0)
        with self._changed:
            self._taken -= 1
            self._bytes -= item.size
            if done is not None and done.wrote:
                self._limit.note(done.refused)
            self._changed.notify_all()
