"""Refusals: errors of W&B that a retry can't change, and their explanations."""

from __future__ import annotations

import re

from mfwb.safe_text import first_line
from mfwb.sink.client.private import http_status

__all__ = ["explain_error", "is_access_denied", "is_final"]

_FINAL_STATUSES = frozenset({400, 401, 403, 404, 409, 410, 413, 422})
"""HTTP statuses that stay the same after a retry."""

_ACCESS_STATUSES = frozenset({401, 403})

_UNKNOWN_IN_SCHEMA = (
    "Cannot query field",
    "Unknown argument",
    "Unknown type",
    "Unknown operation",
    "is not defined by type",
)
"""Texts of servers that lack a part of W&B's GraphQL schema, with any status."""

_NO_PROJECT = "not found under entity"  # the text of the public Api for a null project

_STATUS_TEXT = re.compile(r"returned error (\d{3})")  # in messages of wandb-core

_HINTS = {
    413: "too large for this server, or for a proxy on the way to it",
    401: "the API key is not valid",
    403: "the API key, or the signed address of the bucket, does not allow it",
}


def is_final(error: BaseException) -> bool:
    """Whether W&B would refuse the same request again."""
    return (
        _status(error) in _FINAL_STATUSES
        or _is_missing_in_schema(error)
        or _NO_PROJECT in str(error)
    )


def is_access_denied(error: BaseException) -> bool:
    """Whether W&B refuses the credentials, or their permissions."""
    return _status(error) in _ACCESS_STATUSES


def explain_error(error: BaseException) -> str:
    """Return W&B's message, with an explanation if it lacks one."""
    message = first_line(error)
    if _is_missing_in_schema(error):
        return f"{message} (this server lacks what W&B's servers have; it may be too old)"
    hint = _HINTS.get(_status(error) or 0)
    return f"{message} ({hint})" if hint else message


def _status(error: BaseException) -> int | None:
    match = _STATUS_TEXT.search(str(error))
    return http_status(error) or (int(match[1]) if match else None)


def _is_missing_in_schema(error: BaseException) -> bool:
    return any(text in str(error) for text in _UNKNOWN_IN_SCHEMA)
