"""Tasks at which a flow run stopped before its last step, if no task recorded a failure.

If a scheduler is killed or stops, all its tasks may have ended well. The W&B runs of the tasks
without a following task are then marked as failed: otherwise all W&B runs would look finished.
"""

from __future__ import annotations

from mfwb.lineage import Lineage
from mfwb.snapshot import FlowRun, FlowRunState, TaskState

__all__ = ["BAD_STATES", "describe_dead_ends", "find_dead_ends"]

BAD_STATES = frozenset({TaskState.FAILED, TaskState.UNFINISHED})
"""States of tasks whose W&B runs are marked as failed in any case."""

_EXPLANATIONS = {
    FlowRunState.ABANDONED: "the flow run went no further: it, or its scheduler, was killed",
    FlowRunState.FAILED: "the flow run failed after this, before another task began",
}


def find_dead_ends(flow_run: FlowRun, lineage: Lineage) -> frozenset[str]:
    """Return the pathspecs of the tasks that should have a following task and have none.

    The result is empty for a flow run that finished, and for one with a failed task.
    """
    if flow_run.state not in _EXPLANATIONS:
        return frozenset()
    if any(task.state in BAD_STATES for task in flow_run.tasks):
        return frozenset()
    went_on = {parent for parents in lineage.parents.values() for parent in parents}
    return frozenset(task.pathspec for task in flow_run.tasks if task.pathspec not in went_on)


def describe_dead_ends(flow_run: FlowRun) -> str:
    """Return the text for the summaries of these tasks."""
    return _EXPLANATIONS[flow_run.state]
