"""Redaction: what looks like a secret is replaced by stars, by its name or by its form."""

from __future__ import annotations

import re

__all__ = ["MASK", "is_secret_name", "mask_url_users", "mask_urls"]

MASK = "***"

_SECRET_NAME = re.compile(
    r"key|token|secret|password|passwd|credential|headers|authorization", re.IGNORECASE
)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_OF_URL = re.compile(r"(://[^\s?'\"]+\?)[^\s'\"]+")


def is_secret_name(name: str) -> bool:
    """Whether a variable or a setting of that name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def mask_url_users(text: str) -> str:
    """Return the text without the users and passwords in its URLs."""
    return _USER_IN_URL.sub(f"{MASK}@", text)


def mask_urls(text: str) -> str:
    """Return the text without users, passwords and queries in its URLs: a query may be signed."""
    return _QUERY_OF_URL.sub(rf"\1{MASK}", mask_url_users(text))
