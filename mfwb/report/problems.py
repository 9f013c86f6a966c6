"""Problems of a result: the lines that are printed even with --quiet."""

from __future__ import annotations

from collections.abc import Collection

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.format import count
from mfwb.safe_text import one_line
from mfwb.verification_outcome import FlowRunVerification, Verdict

__all__ = ["difference_line", "failure_line", "problem_lines"]


def problem_lines(result: Result, reported: Collection[str] = ()) -> list[str]:
    """Return a line for each flow run that could not be synced and for each new loss.

    A skipped flow run is still running, or is excluded by an option: that is not a problem. The
    losses of an unchanged flow run were reported when it was synced.

    Args:
        result: of a call.
        reported: pathspecs of flow runs whose failure was printed when they ended.
    """
    lines = list(result.notes)
    for flow_run in result.others:
        if flow_run.status is Status.FAILED and flow_run.pathspec not in reported:
            lines.append(failure_line(flow_run))
        if flow_run.status is Status.UNCHANGED:
            continue
        losses = flow_run.all_losses
        lines += [f"lost {one_line(loss.item)}: {one_line(loss.reason)}" for loss in losses]
    return lines


def failure_line(flow_run: FlowRunOutcome) -> str:
    """Return the line of a flow run that failed."""
    return f"{flow_run.pathspec} failed: {one_line(flow_run.reason or '')}"


def difference_line(run: FlowRunVerification) -> str:
    """Return the line of a flow run that differs or can't be verified; empty for any other."""
    if run.verdict is Verdict.FAILED:
        return f"{run.pathspec} can't be verified: {one_line(run.reason or '')}"
    if run.verdict is not Verdict.DIFFERENT:
        return ""
    first = one_line(run.differences[0].item, 80) if run.differences else "?"
    return (
        f"{run.pathspec} differs: {count(len(run.differences), 'difference')}, the first is {first}"
    )
