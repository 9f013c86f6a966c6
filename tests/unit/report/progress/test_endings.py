"""Lines on flow runs that have ended."""

from __future__ import annotations

import pytest

from mfwb.outcome import FlowRunOutcome, OutputOutcome, Status, WandbRunOutcome
from mfwb.ports import Ended
from mfwb.report.progress.endings import describe_end
from mfwb.snapshot import Loss
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict

_OUTPUT = OutputOutcome("model", "model", None, 1_500_000, ("model.pkl",))
_RUNS = (
    WandbRunOutcome("a", "F/1/start", "start", "finished", outputs=(_OUTPUT, _OUTPUT)),
    WandbRunOutcome("b", "F/1/end", "end", "finished", losses=(Loss("F/1/end/x", "big"),)),
)


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (
            FlowRunOutcome("F/1", Status.SYNCED, wandb_runs=_RUNS),
            "F/1 synced: 2 W&B runs, 2 artifacts of 3.0 MB, 1 loss, 7 seconds",
        ),
        (
            FlowRunOutcome("F/1", Status.PLANNED, wandb_runs=_RUNS[:1]),
            "F/1 planned: 1 W&B run, 2 artifacts of ≈ 3.0 MB, 7 seconds",
        ),
        (FlowRunOutcome("F/1", Status.FAILED, reason="no\n  space"), "F/1 failed: no space"),
        (FlowRunOutcome("F/1", Status.UNCHANGED, wandb_runs=_RUNS), ""),
        (FlowRunOutcome("F/1", Status.SKIPPED, reason="still running"), ""),
        (
            FlowRunVerification("F/1", Verdict.SAME, compared={"run": 2, "config": 10}),
            "F/1 same: 12 items, 7 seconds",
        ),
        (
            FlowRunVerification(
                "F/1",
                Verdict.DIFFERENT,
                differences=(Difference("tags", "F/1/end", None, 1, 2, "edited"),),
            ),
            "F/1 differs: 1 difference, the first is F/1/end",
        ),
        (FlowRunVerification("F/1", Verdict.FAILED, "gone"), "F/1 can't be verified: gone"),
        (FlowRunVerification("F/1", Verdict.SKIPPED, "still running"), ""),
    ],
)
def test_each_end(ended: Ended, line: str) -> None:
    """Zero counts are left out, and there is no line if nothing was done."""
    assert describe_end(ended, 7.4) == line
