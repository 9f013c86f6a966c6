"""Edits of people in W&B are reported once for all W&B runs that have them."""

from __future__ import annotations

import io
from dataclasses import replace

from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.report.console import console_for
from mfwb.report.result.text import to_text

START = WandbRunOutcome("id1", "Flow/1/start", "start", "finished", edits_kept=("name", "tag a"))
END = WandbRunOutcome(
    "id2", "Flow/1/end", "end", "finished", edits_kept=("name",), edits_undone=("config x",)
)


def told(status: Status) -> list[str]:
    """Return the lines about edits."""
    runs = (START, replace(END, id="id3"))
    outcome = FlowRunOutcome("Flow/1", status, mode="online", project="p", wandb_runs=runs)
    text = to_text(Result("sync", (outcome,)), console=console_for(io.StringIO()))
    return [line.strip() for line in text.splitlines() if "people" in line]


def test_edits() -> None:
    """What stayed, with what would change that, and what was written over."""
    assert told(Status.SYNCED) == [
        "kept edits of people in W&B (see --overwrite-edits): name of 2 W&B runs, tag a",
        "overwrote edits of people in W&B: config x",
    ]


def test_of_what_is_unchanged_nothing_is_told() -> None:
    """It was told when something was written."""
    assert told(Status.UNCHANGED) == []
