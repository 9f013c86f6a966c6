"""Flow run room: how many flow runs are written at a time.

As many as the workers need, so that none of them is idle while another flow run could be written;
but no more than that, since a plan takes memory from the moment when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

from mfwb.planning import Form, Plan

__all__ = ["MAX_FLOW_RUNS", "FlowRunRoom", "bytes_of"]

MAX_FLOW_RUNS = 64
"""At most: each has a thread, which waits for workers and then reads W&B back."""

_CHECK_SECONDS = 0.05  # between two looks at what the workers need
_BYTES_OF_RUN, _BYTES_OF_ARTIFACT, _BYTES_OF_FILE, _BYTES_OF_USE = 20_000, 2_000, 1_000, 1_000

_BYTES_OF_PROCESS = 120_000_000  # pandas, and a small table
_COPIED = frozenset(
    {Form.PICKLE, Form.STORED, Form.PATH, Form.INCLUDE, Form.REFERENCE, Form.CODE, Form.CHECKPOINT}
)
"""Forms of files that are copied as they are, without a process that converts them."""


class FlowRunRoom:
    """Room for flow runs that are written at a time; thread-safe."""

    def __init__(self, limit: int, max_bytes: int, *, is_needed: Callable[[], bool]) -> None:
        """Start with no flow run.

        Args:
            limit: flow runs that are written at a time, at most.
            max_bytes: of memory for all of them; a larger one is written alone.
            is_needed: whether workers could take more W&B runs than there are.
        """
        self._limit = limit
        self._max_bytes = max_bytes
        self._is_needed = is_needed
        self._taken = 0
        self._bytes = 0
        self._changed = Condition()

    def take(self, size: int) -> None:
        """Wait until there is room for a flow run that takes so many bytes, and take it."""
        with self._changed:
            while not self._has_room(size):
                self._changed.wait(_CHECK_SECONDS)
            self._taken += 1
            self._bytes += size

    def give_back(self, size: int) -> None:
        """Note that a flow run is done, which took so many bytes."""
        with self._changed:
            self._taken -= 1
            self._bytes -= size
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        if not self._taken:
            return True
        has_memory = self._bytes + size <= self._max_bytes
        return self._taken < self._limit and has_memory and self._is_needed()


def bytes_of(plan: Plan) -> int:
    """Return about how many bytes of memory a flow run takes while it is written.

    They are those of its plan, and of the process that converts its artifacts, if it needs one.
    """
    outputs = [output for run in plan.runs for output in run.outputs]
    files = [file for output in outputs for file in output.files]
    needs_process = any(file.preview or file.form not in _COPIED for file in files)
    return (
        _BYTES_OF_PROCESS * needs_process
        + _BYTES_OF_RUN * len(plan.runs)
        + _BYTES_OF_ARTIFACT * len(outputs)
        + _BYTES_OF_FILE * len(files)
        + _BYTES_OF_USE * sum(len(run.inputs) for run in plan.runs)
    )
