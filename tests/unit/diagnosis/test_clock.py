"""The clock of this machine against the `Date` header of a server."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from mfwb.diagnosis.check import CheckStatus
from mfwb.diagnosis.clock import ALLOWED_SKEW, Answer, check_clock

_NOW = 1_800_000_000.25


@pytest.mark.parametrize(
    ("ahead", "took", "status"),
    [
        (0, 0.1, CheckStatus.PASSED),
        (ALLOWED_SKEW - 1, 0.1, CheckStatus.PASSED),
        (-ALLOWED_SKEW + 1, 0.1, CheckStatus.PASSED),
        (ALLOWED_SKEW + 2, 0.1, CheckStatus.WARNED),
        (-ALLOWED_SKEW - 2, 0.1, CheckStatus.WARNED),
        (20, 30.0, CheckStatus.PASSED),  # the answer may have been written at its end
    ],
)
def test_distance(ahead: float, took: float, status: CheckStatus) -> None:
    """Only what the time of the request and whole seconds can't explain is a difference."""
    answer = Answer(200, formatdate(_NOW + ahead, usegmt=True), _NOW, _NOW + took)

    check = check_clock("W&B", "W&B", answer)

    assert check.status is status
    assert bool(check.advice) is (status is CheckStatus.WARNED)


@pytest.mark.parametrize("date", [None, "", "tomorrow", "Sun, 99 Nov 2026 18:40:08 GMT"])
def test_no_date(date: str | None) -> None:
    """A server that does not say what time it is proves nothing."""
    assert check_clock("W&B", "W&B", Answer(200, date, _NOW, _NOW)).status is CheckStatus.SKIPPED
