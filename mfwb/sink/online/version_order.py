"""The order of versions: W&B runs that log versions of one name get their numbers in their order.

W&B gives a version its number when it is committed. The W&B runs of a flow run are written at once,
so their files are uploaded in any order; only the commit waits for those of earlier ones. An
upload begins when the contents of earlier ones are known: the first one logs what is equal. The
earlier ones have been taken by workers, and have limits of their own, so no wait is for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import takewhile
from threading import Condition

from mfwb.planning import WandbRunId

__all__ = ["VersionOrder"]


class VersionOrder:
    """The W&B runs of one flow run that will log versions of the same names; thread-safe."""

    def __init__(self) -> None:
        # By artifact name: the W&B runs in their order, and whether their contents are known.
        self._queues: dict[str, dict[WandbRunId, bool]] = {}
        self._yielded: dict[tuple[str, WandbRunId], WandbRunId] = {}  # by name and who yields
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

    def wait(self, run_id: WandbRunId, name: str, *, seconds: float | None = None) -> None:
        """Wait until no earlier W&B run will log a version of a name any more.

        Args:
            run_id: the W&B run that waits.
            name: the planned name of the artifact.
            seconds: how long to wait at most; None: as long as it takes.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._has_to_wait(run_id, name), seconds)

    def dequeue(self, run_id: WandbRunId, names: Iterable[str]) -> None:
        """Remove a W&B run that has logged its versions, or never will; calls may be repeated."""
        with self._changed:
            for name in names:
                queue = self._queues.get(name, {})
                queue.pop(run_id, None)
                self._yielded.pop((name, run_id), None)
                if not queue:
                    self._queues.pop(name, None)
            self._changed.notify_all()

    def _knows_contents_before(self, run_id: WandbRunId, name: str) -> bool:
        queue = self._queues.get(name, {})
        if run_id not in queue:
            return True
        return all(queue[earlier] for earlier in takewhile(lambda other: other != run_id, queue))

    def _has_to_wait(self, run_id: WandbRunId, name: str) -> bool:
        queue = self._queues.get(name, {})
        if run_id not in queue:
            return False
        first = next(iter(queue))
        return run_id not in (first, self._yielded.get((name, first)))
