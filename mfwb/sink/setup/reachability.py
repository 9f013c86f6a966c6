"""Why a server does not answer: W&B's SDK tries again and again, and does not tell."""

from __future__ import annotations

import requests

from mfwb.deadlines import TookTooLongError, run_within
from mfwb.safe_text import one_line
from mfwb.system_errors import root_cause

__all__ = ["explain_silence"]

_ERROR = 500  # HTTP status: wandb-core tries such requests again
_SECONDS = 1.0  # for the one request that finds out


def explain_silence(url: str) -> str:
    """Return `: Connection refused` for the end of a message; empty if the server works.

    Args:
        url: of the server; it gets one request without credentials.
    """
    try:
        # The limit of requests is for each byte of an answer.
        return run_within(_SECONDS, lambda: _find_cause(url), url)
    except TookTooLongError:
        return ""


def _find_cause(url: str) -> str:
    try:
        # An `auth` that adds nothing: without one, requests sends what netrc has for the host.
        with requests.get(
            url, timeout=_SECONDS, allow_redirects=False, stream=True, auth=lambda request: request
        ) as answer:
            return f": it answers {answer.status_code}" if answer.status_code >= _ERROR else ""
    except requests.Timeout:
        return ""
    except (requests.RequestException, ValueError) as error:
        return f": {one_line(root_cause(error))}"
