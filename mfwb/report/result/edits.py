"""Edits of people in W&B: those that were kept, and those that were overwritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, Status, WandbRunOutcome
from mfwb.report.fit import print_wrapped
from mfwb.report.format import count
from mfwb.safe_text import one_line

__all__ = ["print_edits"]

_MAX_SHOWN = 8
"""If there are more different edits, the rest is only counted."""


def print_edits(flow_runs: Iterable[FlowRunOutcome], console: Console, *, indent: int) -> None:
    """Print the edits of people in the W&B runs of these flow runs, if there are any."""
    runs = [
        run
        for flow_run in flow_runs
        if flow_run.status is not Status.UNCHANGED
        for run in flow_run.wandb_runs
    ]
    lines = list(_lines(runs))
    if lines:
        console.print()
    for line in lines:
        print_wrapped(Text(line, style="yellow"), console, indent=indent)


def _lines(runs: Sequence[WandbRunOutcome]) -> Iterator[str]:
    if kept := Counter(edit for run in runs for edit in run.edits_kept):
        yield f"kept edits of people in W&B (see --overwrite-edits): {_list_edits(kept)}"
    if undone := Counter(edit for run in runs for edit in run.edits_undone):
        yield f"overwrote edits of people in W&B: {_list_edits(undone)}"


def _list_edits(edits: Counter[str]) -> str:
    parts = [
        one_line(edit) + (f" of {count(number, 'W&B run')}" if number > 1 else "")
        for edit, number in list(edits.items())[:_MAX_SHOWN]
    ]
    more = [f"{len(edits) - _MAX_SHOWN:,} more"] if len(edits) > _MAX_SHOWN else []
    return ", ".join([*parts, *more])
