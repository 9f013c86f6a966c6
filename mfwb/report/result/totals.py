"""Totals: the last lines of a result, with numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mfwb.account import Ending, count_endings, number_of
from mfwb.outcome import Result, Status
from mfwb.report.format import count
from mfwb.report.result.changes import estimate_line

__all__ = ["totals"]


def totals(result: Result, *, verbose: bool = False) -> list[str]:
    """Return a line on flow runs, if there are several, and lines on artifacts, items and losses.

    Args:
        result: the result of a call.
        verbose: add a line for each kind of items.
    """
    lines = []
    if len(result.flow_runs) != 1:
        lines.append(_flow_runs(result))
    if any(flow_run.wandb_runs and _is_new(flow_run.status) for flow_run in result.flow_runs):
        lines.append(_artifacts(result))
    if any(flow_run.account is not None for flow_run in result.flow_runs):
        lines += _items(result, verbose=verbose)
    if line := estimate_line(result):
        lines.append(line)
    losses = len(result.losses)
    lines.append(count(losses, "loss") if losses else "no losses")
    return lines


def _flow_runs(result: Result) -> str:
    by_status = Counter(flow_run.status for flow_run in result.flow_runs)
    parts = [f"{by_status[status]:,} {status.value}" for status in Status if by_status[status]]
    whole = count(len(result.flow_runs), "flow run")
    return f"{whole}: {', '.join(parts)}" if parts else whole


def _artifacts(result: Result) -> str:
    """Count the artifacts that this call wrote or planned, without unchanged flow runs."""
    items = [
        run.items
        for flow_run in result.flow_runs
        if _is_new(flow_run.status)
        for run in flow_run.wandb_runs
    ]
    parts = {
        "in summary": sum(counts.values for counts in items),
        "written": sum(counts.written for counts in items),
        "same content": sum(counts.deduplicated for counts in items),
        "switched off": sum(counts.switched_off for counts in items),
        "lost": sum(counts.lost for counts in items),
    }
    planned = result.command == "plan"
    if planned:  # before a content is sent, it is not known whether W&B has it already
        parts["written"] += parts.pop("same content")
    numbers = ", ".join(f"{number:,} {label}" for label, number in parts.items() if number)
    total = count(sum(counts.total for counts in items), "artifact")
    return f"{total}{' would be' if planned and numbers else ''}: {numbers or 'nothing'}"


def _items(result: Result, *, verbose: bool) -> Iterator[str]:
    """Count all items, those of unchanged flow runs as the sync ended that wrote them."""
    planned = any(flow_run.status is Status.PLANNED for flow_run in result.flow_runs)
    would = " would be" if planned else ""
    account = result.account
    yield f"{count(number_of(account), 'item')}{would}: {_endings(count_endings(account))}"
    if verbose:
        for kind, numbers in account.items():
            noun = kind.value.removesuffix("s").replace("_", " ")
            yield f"  {count(number_of(account, kind), noun)}: {_endings(numbers)}"


def _endings(numbers: Mapping[Ending, int]) -> str:
    parts = [f"{numbers[end]:,} {_ENDING_LABELS[end]}" for end in Ending if numbers.get(end)]
    return ", ".join(parts) or "nothing"


_ENDING_LABELS = {
    Ending.WRITTEN: "written",
    Ending.DEDUPLICATED: "same content",
    Ending.SWITCHED_OFF: "switched off",
    Ending.MASKED: "masked",
    Ending.REFERENCED: "referenced",
    Ending.LOST: "lost",
}


def _is_new(status: Status) -> bool:
    return status is not Status.UNCHANGED
