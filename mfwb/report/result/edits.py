"""What people had changed in W&B: what was left as they made it, and what was written over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, Status, WandbRunOutcome
from mfwb.report.format import count
from mfwb.safe_text import one_line

__all__ = ["print_edits"]

_MOST = 8
"""More different edits than that are counted."""


def print_edits(flow_runs: Iterable[FlowRunOutcome], console: Console, *, indent: int) -> None:
    """Print what was changed in W&B of what these flow runs wrote there, if anything was."""
    runs = [
        run for one in flow_runs if one.status is not Status.UNCHANGED for run in one.wandb_runs
    ]
    lines = list(_lines(runs))
    for line in lines:
        console.print(Padding(Text(line, style="yellow", overflow="fold"), (0, 0, 0, indent)))
    if lines:
        console.print()


def _lines(runs: Sequence[WandbRunOutcome]) -> Iterator[str]:
    if kept := Counter(edit for run in runs for edit in run.edits_kept):
        yield f"left as people changed it in W&B (--overwrite-edits): {_said(kept)}"
    if undone := Counter(edit for run in runs for edit in run.edits_undone):
        yield f"written over what people had changed in W&B: {_said(undone)}"


def _said(edits: Counter[str]) -> str:
    parts = [
        one_line(edit) + (f" of {count(number, 'W&B run')}" if number > 1 else "")
        for edit, number in list(edits.items())[:_MOST]
    ]
    more = [f"{len(edits) - _MOST:,} more"] if len(edits) > _MOST else []
    return ", ".join([*parts, *more])
