"""Whether what was written is there: `finish` returns as if it were, whatever became of it."""

from __future__ import annotations

import threading
import time

from mfwb.errors import SinkError
from mfwb.planning import PlannedRun, WandbRunId
from mfwb.sink.existing import ExistingRuns

__all__ = ["Arrivals"]

_LOOKS = (0.0, 0.5, 2.0, 5.0)  # seconds before each; a server may take a moment


class Arrivals:
    """The W&B runs of one flow run that were written and are to be there."""

    def __init__(self, existing: ExistingRuns) -> None:
        self._existing = existing
        self._expected: dict[WandbRunId, tuple[PlannedRun, int]] = {}
        self._lock = threading.Lock()

    def expect(self, run: PlannedRun, *, rows: int) -> None:
        """Hear that a W&B run was written, with so many rows of history."""
        with self._lock:
            self._expected[run.id] = (run, rows)

    def confirm(self) -> None:
        """Return if all is there; SinkError if it is not."""
        missing = dict(self._expected)
        for pause in _LOOKS:
            if not missing:
                return
            time.sleep(pause)
            self._existing.look(run for run, _ in missing.values())
            missing = {
                run.id: (run, rows) for run, rows in missing.values() if self._lacks(run, rows)
            }
        if missing:
            told = "; ".join(
                f"{run.name}: {self._lacks(run, rows)}" for run, rows in missing.values()
            )
            raise SinkError(f"W&B does not have all that was sent: {told}")

    def _lacks(self, run: PlannedRun, rows: int) -> str:
        """Return what is missing of a W&B run; empty if nothing is."""
        found = self._existing.get(run.id)
        if found is None:
            return "the run is not there"
        if found.complete != run.fingerprint:
            return f"its state is {found.state}, and its summary or files are not all there"
        if found.rows < rows:
            return f"{found.rows} of {rows} rows of its history are there"
        return ""
