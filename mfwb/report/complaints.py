"""What is said even if nothing else may be."""

from __future__ import annotations

from mfwb.outcome import Result, Status
from mfwb.report.words import one_line

__all__ = ["complaints"]


def complaints(result: Result) -> list[str]:
    """Return a line for each flow run that was not synced and for each loss."""
    lines = []
    for one in result.flow_runs:
        if one.status in (Status.FAILED, Status.SKIPPED):
            lines.append(f"{one.pathspec} {one.status.value}: {one_line(one.reason or '')}")
        lines += [f"lost {one_line(loss.item)}: {one_line(loss.reason)}" for loss in one.all_losses]
    return lines
