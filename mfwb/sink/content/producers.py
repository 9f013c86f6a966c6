"""Producers: a W&B run uses artifacts of others, and waits until these have been logged.

A W&B run opens, logs and uploads while its producers still do; only its uses wait. Nobody waits for
ever: workers take W&B runs in the order in which they were enqueued, and a producer comes before
those that use its artifacts. So whoever waits has a producer that a worker is writing already.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import CancelledError
from threading import Condition

from mfwb.planning import InputArtifact, WandbRunId

__all__ = ["Producers"]


class Producers:
    """The W&B runs of one flow run that log artifacts; thread-safe."""

    def __init__(self) -> None:
        self._pending: set[WandbRunId] = set()
        self._failed: set[WandbRunId] = set()
        self._changed = Condition()

    def enqueue(self, run_id: WandbRunId) -> None:
        """Note that a W&B run will log artifacts."""
        with self._changed:
            self._pending.add(run_id)

    def note_logged(self, run_id: WandbRunId) -> None:
        """Note that a W&B run has logged its artifacts; calls may be repeated."""
        with self._changed:
            self._pending.discard(run_id)
            self._changed.notify_all()

    def dequeue(self, run_id: WandbRunId, *, written: bool) -> None:
        """Note that a W&B run was written, or will not be; calls may be repeated."""
        with self._changed:
            if not written and run_id in self._pending:
                self._failed.add(run_id)
            self._pending.discard(run_id)
            self._changed.notify_all()

    def are_logged(self, inputs: Iterable[InputArtifact]) -> bool:
        """Return whether nothing has to be waited for, before these artifacts are used."""
        with self._changed:
            return self._pending.isdisjoint(used.producer for used in inputs)

    def wait(self, inputs: Iterable[InputArtifact]) -> None:
        """Wait until artifacts have been logged by the W&B runs of this flow run.

        Raises:
            CancelledError: one of these W&B runs could not be written, which is reported for it.
        """
        producers = {used.producer for used in inputs}
        with self._changed:
            self._changed.wait_for(lambda: self._pending.isdisjoint(producers))
        self.raise_if_failed(inputs)

    def raise_if_failed(self, inputs: Iterable[InputArtifact]) -> None:
        """Raise CancelledError if a W&B run that logs one of these could not be written."""
        with self._changed:
            if any(used.producer in self._failed for used in inputs):
                raise CancelledError
