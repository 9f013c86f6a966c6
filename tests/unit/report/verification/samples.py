"""Verified flow runs, for the tests of reports."""

from __future__ import annotations

from dataclasses import replace

from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict

SAME = FlowRunVerification(
    "WineFlow/7", Verdict.SAME, project="wines", entity="acme", compared={"run": 5, "summary": 209}
)
DIFFERENT = FlowRunVerification(
    "WineFlow/8",
    Verdict.DIFFERENT,
    group="WineFlow/8",
    project="wines",
    entity="acme",
    written_by=("0.1.0",),
    compared={"run": 5, "summary": 209},
    differences=(
        Difference("run", "stray", None, None, "stray", "somebody added it", repairable=False),
        Difference(
            "summary",
            "WineFlow/8/train accuracy",
            "WineFlow/8/train",
            0.91,
            0.19,
            "somebody changed it in W&B",
        ),
    ),
    unknown=(("train model", "its pickle needs torch"),),
)


def named(flow_run: FlowRunVerification) -> FlowRunVerification:
    """Return a flow run that names its W&B runs."""
    names = ("start", "train")
    return replace(flow_run, wandb_runs=tuple(f"{flow_run.pathspec}/{name}" for name in names))
