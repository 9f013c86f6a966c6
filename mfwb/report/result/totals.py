"""The last lines: how everything ended, in numbers that add up."""

from __future__ import annotations

from collections import Counter

from mfwb.outcome import Result, Status
from mfwb.report.format import count

__all__ = ["totals"]


def totals(result: Result) -> list[str]:
    """Return what became of flow runs, if there are several, of artifacts, and of the rest."""
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
    """Count what this call is about; what an earlier one did is told as "unchanged"."""
    items = [run.items for one in result.flow_runs if _is_new(one.status) for run in one.wandb_runs]
    parts = {
        "in summary": sum(one.values for one in items),
        "written": sum(one.written for one in items),
        "same content": sum(one.deduplicated for one in items),
        "switched off": sum(one.switched_off for one in items),
        "lost": sum(one.lost for one in items),
    }
    planned = result.command == "plan"
    if planned:  # whether W&B has a content already is not known before it is sent
        parts["written"] += parts.pop("same content")
    told = ", ".join(f"{number:,} {words}" for words, number in parts.items())
    total = count(sum(one.total for one in items), "artifact")
    return f"{total}{' would be' if planned else ''}: {told}"


def _is_new(status: Status) -> bool:
    return status is not Status.UNCHANGED
