"""The secrets of one flow, and what a text looks like without them.

All secrets are known by their texts, so no rule of mfwb's decides here what a secret is.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.support.secret_kinds import letters

__all__ = ["DSN", "ENDPOINT", "FLOW", "NAMED", "TOKEN", "mask", "mask_beginning"]

FLOW = "MaskedFlow"

_PASSWORD = letters("compared password", 20)
NAMED = letters("compared named", 24)
"""A secret that only its name gives away."""

TOKEN = "gh" + "p_" + letters("compared token", 36)
"""A secret that its form gives away, wherever it is."""

ENDPOINT = f"https://user:{_PASSWORD}@host.example/x"
"""In URLs of the web, the user may be a secret as well."""

DSN = f"postgresql://app:{_PASSWORD}@db.example/prod"
_SECRETS = (TOKEN, NAMED, f"user:{_PASSWORD}", _PASSWORD)


def mask(value: Any) -> Any:
    """Return a value with `***` for each secret in texts of it; the same object if it has none.

    Dicts, lists, tuples, namespaces and caught exceptions are entered. Bytes and tables stay.
    """
    if isinstance(value, str):
        for secret in _SECRETS:
            value = value.replace(secret, "***")
        return value
    if isinstance(value, dict):
        items = {key: mask(item) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if type(value) in {list, tuple}:
        parts = [mask(item) for item in value]
        is_same = all(part is item for part, item in zip(parts, value, strict=True))
        return value if is_same else type(value)(parts)
    if type(value).__name__ == "MetaflowExceptionWrapper":
        value.exception = mask(str(value.exception))
    elif isinstance(value, SimpleNamespace):
        return SimpleNamespace(**mask(vars(value)))
    return value


def mask_beginning(text: str) -> str:
    """Return a text that may be the beginning of a secret alone, masked."""
    return "***" if any(secret.startswith(text) for secret in _SECRETS) else mask(text)
