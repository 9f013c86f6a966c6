"""The difference between the clock of this machine and that of a server."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests

from mfwb.diagnosis.check import Check, passed, skipped, warned
from mfwb.errors import Unreachable
from mfwb.system_errors import root_cause

__all__ = ["ALLOWED_SKEW", "Answer", "check_clock", "request_answer"]

ALLOWED_SKEW = 10.0
"""Seconds. The header has whole seconds; signed addresses of clouds hold within minutes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server to a request without credentials.

    Attributes:
        status: the HTTP status.
        date: the header `Date`; None: there was none.
        sent: when the request was sent, by the local clock in epoch seconds.
        received: when its answer came, by the same clock.
    """

    status: int
    date: str | None
    sent: float
    received: float

    @property
    def milliseconds(self) -> int:
        """How long it took."""
        return round(1000 * (self.received - self.sent))


def request_answer(url: str, seconds: float) -> Answer:
    """Return what a server answers to a request without credentials, whatever that is.

    Args:
        url: the address; redirects are not followed.
        seconds: the time limit.

    Raises:
        Unreachable: there is no answer.
    """
    sent = time.time()
    try:
        # An `auth` that adds nothing: without one, requests sends what netrc has for the host.
        with requests.get(
            url, timeout=seconds, allow_redirects=False, stream=True, auth=lambda request: request
        ) as response:
            received = time.time()
            return Answer(response.status_code, response.headers.get("Date"), sent, received)
    except (requests.RequestException, ValueError) as error:
        raise Unreachable(f"{url} can't be reached: {root_cause(error)}") from None


def check_clock(group: str, server: str, answer: Answer) -> Check:
    """Return a check of this machine's clock against the `Date` header of an answer.

    Args:
        group: of the check.
        server: its name in the text.
        answer: of the server.
    """
    name = "clock"
    try:
        theirs = parsedate_to_datetime(answer.date or "").timestamp()
    except (TypeError, ValueError):  # Python 3.10 raises the former for a text that is no date
        return skipped(group, name, f"{server} does not say what time it is")
    ahead = _distance(theirs, answer.sent, answer.received)
    if abs(ahead) <= ALLOWED_SKEW:
        return passed(group, name, f"that of {server} agrees, to within {ALLOWED_SKEW:.0f} s")
    direction = "behind" if ahead > 0 else "ahead of"
    return warned(
        group,
        name,
        f"this machine's clock is {abs(ahead):,.0f} s {direction} that of {server}",
        "set it by NTP: times decide what `--since` selects, which version is `latest`, and "
        "whether requests to a cloud are accepted",
    )


def _distance(theirs: float, sent: float, received: float) -> float:
    """Return how far a clock that cuts fractions of a second is ahead; 0 if it may agree."""
    if theirs + 1 < sent:
        return theirs + 1 - sent
    return max(0.0, theirs - received)
