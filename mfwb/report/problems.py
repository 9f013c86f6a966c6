"""Problems of a result: the lines that are printed even with --quiet."""

from __future__ import annotations

from mfwb.outcome import Result, Status
from mfwb.safe_text import one_line

__all__ = ["problem_lines"]


def problem_lines(result: Result) -> list[str]:
    """Return a line for each flow run that could not be synced and for each new loss.

    A skipped flow run is still running, or is excluded by an option: that is not a problem. The
    losses of an unchanged flow run were reported when it was synced.
    """
    lines = list(result.notes)
    for flow_run in result.flow_runs:
        if flow_run.status is Status.FAILED:
            lines.append(f"{flow_run.pathspec} failed: {one_line(flow_run.reason or '')}")
        if flow_run.status is Status.UNCHANGED:
            continue
        losses = flow_run.all_losses
        lines += [f"lost {one_line(loss.item)}: {one_line(loss.reason)}" for loss in losses]
    return lines
