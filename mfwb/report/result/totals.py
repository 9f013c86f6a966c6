"""Totals: the last lines of a result, with numbers that add up."""

from __future__ import annotations

from collections import Counter

from mfwb.outcome import Result, Status
from mfwb.report.format import count

__all__ = ["totals"]


def totals(result: Result) -> list[str]:
    """Return a line on flow runs, if there are several, one on artifacts, and one on losses."""
    lines = []
    if len(result.flow_runs) != 1:
        lines.append(_flow_runs(result))
    if any(one.wandb_runs and _is_new(one.status) for one in result.flow_runs):
        lines.append(_artifacts(result))
    losses = len(result.losses)
    lines.append(count(losses, "loss") if losses else "no losses")
    return lines


def _flow_runs(result: Result) -> str:
    by_status = Counter(one.status for one in result.flow_runs)
    parts = [f"{by_status[one]:,} {one.value}" for one in Status if by_status[one]]
    whole = count(len(result.flow_runs), "flow run")
    return f"{whole}: {', '.join(parts)}" if parts else whole


def _artifacts(result: Result) -> str:
    """Count the artifacts that this call wrote or planned, without unchanged flow runs."""
    items = [run.items for one in result.flow_runs if _is_new(one.status) for run in one.wandb_runs]
    parts = {
        "in summary": sum(one.values for one in items),
        "written": sum(one.written for one in items),
        "same content": sum(one.deduplicated for one in items),
        "switched off": sum(one.switched_off for one in items),
        "lost": sum(one.lost for one in items),
    }
    planned = result.command == "plan"
    if planned:  # before a content is sent, it is not known whether W&B has it already
        parts["written"] += parts.pop("same content")
    numbers = ", ".join(f"{number:,} {label}" for label, number in parts.items())
    total = count(sum(one.total for one in items), "artifact")
    return f"{total}{' would be' if planned else ''}: {numbers}"


def _is_new(status: Status) -> bool:
    return status is not Status.UNCHANGED
