"""Where a flow run came to its end before its last step, if no task says so itself.

A scheduler that is killed, or that stops, leaves tasks behind all of which went well. The W&B runs
of those after which nothing came are the failed ones: else all would look finished.
"""

from __future__ import annotations

from mfwb.lineage import Lineage
from mfwb.snapshot import FlowRun, FlowRunState, TaskState

__all__ = ["BAD_STATES", "describe_dead_ends", "find_dead_ends"]

BAD_STATES = frozenset({TaskState.FAILED, TaskState.UNFINISHED})
"""Of tasks whose W&B runs are failed anyway."""

_SAID = {
    FlowRunState.ABANDONED: "the flow run went no further: it, or its scheduler, was killed",
    FlowRunState.FAILED: "the flow run failed after this, before another task began",
}


def find_dead_ends(flow_run: FlowRun, lineage: Lineage) -> frozenset[str]:
    """Return the pathspecs of the tasks after which nothing came, though something should have.

    Empty for a flow run that finished, and for one with a task that shows the failure.
    """
    if flow_run.state not in _SAID:
        return frozenset()
    if any(task.state in BAD_STATES for task in flow_run.tasks):
        return frozenset()
    went_on = {parent for parents in lineage.parents.values() for parent in parents}
    return frozenset(task.pathspec for task in flow_run.tasks if task.pathspec not in went_on)


def describe_dead_ends(flow_run: FlowRun) -> str:
    """Return what the summary says of them."""
    return _SAID[flow_run.state]
