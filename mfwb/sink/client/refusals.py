"""What W&B refuses for good, and why: so that nobody tries again what can't become better."""

from __future__ import annotations

import re

from mfwb.safe_text import first_line
from mfwb.sink.client.private import http_status

__all__ = ["explain_error", "is_access_denied", "is_final"]

_FINAL = frozenset({400, 401, 403, 404, 409, 410, 413, 422})
"""Answers that stay the same however often one asks."""

_NOBODY = frozenset({401, 403})

_UNKNOWN = (
    "Cannot query field",
    "Unknown argument",
    "Unknown type",
    "Unknown operation",
    "is not defined by type",
)
"""How servers word that they lack a part of W&B's GraphQL, with whatever status."""

_NULL = "not found under entity"  # the public Api's words for null where a project is expected

_SAID = re.compile(r"returned error (\d{3})")  # wandb-core's words

_HINTS = {
    413: "too large for this server, or for a proxy on the way to it",
    401: "the API key does not hold",
    403: "the API key, or the signed address of the bucket, does not allow it",
}


def is_final(error: BaseException) -> bool:
    """Whether the same request would be refused again."""
    return _status(error) in _FINAL or _lacks(error) or _NULL in str(error)


def is_access_denied(error: BaseException) -> bool:
    """Whether it is the credentials that W&B refuses, or what they may do."""
    return _status(error) in _NOBODY


def explain_error(error: BaseException) -> str:
    """Return W&B's words, and what they mean if they don't say it."""
    said = first_line(error)
    if _lacks(error):
        return f"{said} (this server lacks what W&B's servers have; it may be too old)"
    hint = _HINTS.get(_status(error) or 0)
    return f"{said} ({hint})" if hint else said


def _status(error: BaseException) -> int | None:
    said = _SAID.search(str(error))
    return http_status(error) or (int(said[1]) if said else None)


def _lacks(error: BaseException) -> bool:
    return any(words in str(error) for words in _UNKNOWN)
