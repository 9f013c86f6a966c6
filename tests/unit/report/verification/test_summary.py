"""A verification as a summary for CI."""

from __future__ import annotations

from html import unescape

from mfwb.report.verification import verification_to_markdown
from mfwb.verification_outcome import FlowRunVerification, Verdict, Verification
from tests.unit.report.verification.samples import DIFFERENT, SAME


def test_a_row_for_each_flow_run_and_a_line_for_each_difference() -> None:
    """The numbers of a flow run of which nothing is known are empty."""
    failed = FlowRunVerification("F/1", Verdict.FAILED, "no answer")

    text = unescape(verification_to_markdown(Verification((SAME, DIFFERENT, failed))))

    lines = text.splitlines()
    assert lines[0] == "### mfwb verify"
    assert "3 flow runs: 1 same, 1 different, 1 failed; 428 items compared, 0 requests" in lines
    assert "| WineFlow/7 | same | acme/wines | 5 | 214 | 0 | 0 |" in lines
    assert "| WineFlow/8 | different | acme/wines | 5 | 214 | 2 | 1 |" in lines
    assert "| F/1 | failed |  |  |  |  |  |" in lines
    assert "- F/1 can't be verified: no answer" in lines
    assert "- summary WineFlow/8/train accuracy: somebody changed it in W&B" in lines
