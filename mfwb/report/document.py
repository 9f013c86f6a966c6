"""A result as one JSON document."""

from __future__ import annotations

import json

from mfwb.outcome import Result

__all__ = ["to_json"]


def to_json(result: Result, *, ascii_only: bool = False) -> str:
    """Return the document that `--json` prints."""
    return json.dumps(result.to_dict(), indent=2, ensure_ascii=ascii_only)
