"""The lines that are printed even with --quiet."""

from __future__ import annotations

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.problems import problem_lines
from tests.unit.report.samples import BIG, RUNS, flow_run


def test_each_failure_and_each_loss_is_a_line() -> None:
    """Failures and losses are named with their reasons.

    Success is not mentioned, nor is a flow run that still goes on: it is told when it is over.
    """
    result = Result(
        "sync",
        (
            flow_run(*RUNS),
            FlowRunOutcome("F/2", Status.SKIPPED, reason="it is still running"),
            FlowRunOutcome("F/3", Status.FAILED, reason="no such\nflow run"),
        ),
    )

    assert problem_lines(result) == [
        f"lost WineFlow/7/train/4/history: {BIG.reason}",
        "F/3 failed: no such flow run",
    ]
