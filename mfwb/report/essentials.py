"""What is said even if nothing else may be."""

from __future__ import annotations

from mfwb.outcome import Result, Status
from mfwb.safe_text import one_line

__all__ = ["complaints"]


def complaints(result: Result) -> list[str]:
    """Return a line for each flow run that could not be synced and for each new loss.

    One that was skipped still goes on, or is left out as was asked for: nothing to complain of.
    What was lost of an unchanged one was told when it was synced.
    """
    lines = list(result.notes)
    for one in result.flow_runs:
        if one.status is Status.FAILED:
            lines.append(f"{one.pathspec} failed: {one_line(one.reason or '')}")
        if one.status is Status.UNCHANGED:
            continue
        lines += [f"lost {one_line(loss.item)}: {one_line(loss.reason)}" for loss in one.all_losses]
    return lines
