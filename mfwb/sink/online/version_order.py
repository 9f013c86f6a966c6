"""The order of versions: W&B runs that log versions of one name get their numbers in their order.

W&B gives a version its number when it is committed. The W&B runs of a flow run are written at once,
so their files are uploaded in any order; only the commit waits for those of earlier ones. An
upload begins when the contents of earlier ones are known: the first one logs what is equal. The
earlier ones have been taken by workers, and have limits of their own, so no wait is for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile
from threading import Condition

from mfwb.planning import WandbRunId
from mfwb.sink.client.batches import MAX_BATCH

__all__ = ["VersionOrder"]


@dataclass(slots=True)
class _Offer:
    """A W&B run whose artifact only has to be committed.

    Attributes:
        is_taken: whether it is being committed.
        is_back: whether another W&B run has committed it, or has tried to.
        is_alone: whether it is committed by itself, since that has failed.
    """

    is_taken: bool = False
    is_back: bool = False
    is_alone: bool = False


class VersionOrder:
    """The W&B runs of one flow run that will log versions of the same names; thread-safe."""

    def __init__(self) -> None:
        # By artifact name: the W&B runs in their order, and whether their contents are known.
        self._queues: dict[str, dict[WandbRunId, bool]] = {}
        self._yielded: dict[tuple[str, WandbRunId], WandbRunId] = {}  # by name and who yields
        self._offers: dict[tuple[str, WandbRunId], _Offer] = {}
        self._changed = Condition()

    def enqueue(self, run_id: WandbRunId, names: Iterable[str]) -> None:
        """Add a W&B run: its versions come after those of the runs that were added before."""
        with self._changed:
            for name in names:
                self._queues.setdefault(name, {})[run_id] = False

    def wait_for_contents(
        self, run_id: WandbRunId, names: Collection[str], *, seconds: float | None = None
    ) -> None:
        """Wait until the contents of all earlier W&B runs are known.

        Args:
            run_id: the W&B run that waits.
            names: the planned names of its artifacts.
            seconds: how long to wait at most; None: until they are known.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: all(self._knows_contents_before(run_id, name) for name in names), seconds
            )

    def note_contents(self, run_id: WandbRunId, names: Iterable[str]) -> None:
        """Note that the contents are known that a W&B run logs under these names."""
        with self._changed:
            for name in names:
                if run_id in self._queues.get(name, {}):
                    self._queues[name][run_id] = True
            self._changed.notify_all()

    def yield_turn(self, run_id: WandbRunId, to: WandbRunId, name: str) -> None:
        """Let another W&B run log a version in the place of one that will log the same content.

        The other one may come later, and has begun first. If it waited for the earlier one, which
        waits until that content has arrived, both would wait.
        """
        with self._changed:
            if run_id in self._queues.get(name, {}):
                self._yielded[name, run_id] = to
                self._changed.notify_all()

    def has_to_wait(self, run_id: WandbRunId, name: str) -> bool:
        """Return whether an earlier W&B run may still log a version of a name."""
        with self._changed:
            return self._has_to_wait(run_id, name)

    def offer(self, run_id: WandbRunId, name: str) -> None:
        """Note that a W&B run has uploaded its artifact of a name, and has only to commit it."""
        with self._changed:
            self._offers[name, run_id] = _Offer()

    def take(self, run_id: WandbRunId, name: str) -> tuple[WandbRunId, ...]:
        """Wait until a W&B run may commit its version, or another one has committed it.

        Args:
            run_id: a W&B run that was offered.
            name: the planned name of the artifact.

        Returns:
            The W&B runs to commit now: this one, and those that come next and are ready. Empty if
            another one has taken it along.
        """
        with self._changed:
            own = self._offers[name, run_id]
            self._changed.wait_for(
                lambda: own.is_back or not (own.is_taken or self._has_to_wait(run_id, name))
            )
            if own.is_back:
                own.is_back = False
                return ()
            own.is_taken = True
            group = [run_id]
            followers = [] if own.is_alone else self._after(run_id, name)
            for follower in followers[: MAX_BATCH - 1]:
                offer = self._offers.get((name, follower))
                if offer is None or offer.is_taken or offer.is_alone:
                    break
                offer.is_taken = True
                group.append(follower)
            return tuple(group)

    def give_back(self, name: str, group: Collection[WandbRunId], *, alone: bool) -> None:
        """Note that W&B runs that were taken together have been committed, or could not be.

        Args:
            name: the planned name of the artifact.
            group: the W&B runs; the first one has taken the others.
            alone: whether each of them is to be committed by itself.
        """
        with self._changed:
            for number, run_id in enumerate(group):
                if offer := self._offers.get((name, run_id)):
                    offer.is_taken, offer.is_alone, offer.is_back = False, alone, number > 0
            self._changed.notify_all()

    def dequeue(self, run_id: WandbRunId, names: Iterable[str]) -> None:
        """Remove a W&B run that has logged its versions, or never will; calls may be repeated."""
        with self._changed:
            for name in names:
                queue = self._queues.get(name, {})
                queue.pop(run_id, None)
                self._yielded.pop((name, run_id), None)
                self._offers.pop((name, run_id), None)
                if not queue:
                    self._queues.pop(name, None)
            self._changed.notify_all()

    def _knows_contents_before(self, run_id: WandbRunId, name: str) -> bool:
        queue = self._queues.get(name, {})
        if run_id not in queue:
            return True
        return all(queue[earlier] for earlier in takewhile(lambda other: other != run_id, queue))

    def _after(self, run_id: WandbRunId, name: str) -> list[WandbRunId]:
        """Return the W&B runs that come after one that is the first; none if it is not."""
        queue = list(self._queues.get(name, {}))
        return queue[1:] if queue[:1] == [run_id] else []

    def _has_to_wait(self, run_id: WandbRunId, name: str) -> bool:
        queue = self._queues.get(name, {})
        if run_id not in queue:
            return False
        first = next(iter(queue))
        return run_id not in (first, self._yielded.get((name, first)))
