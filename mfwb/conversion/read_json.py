"""JSON files of the processes that load pickles of unknown origin, and may be compromised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["read_json"]


def read_json(path: Path, what: str, *, limit: int, too_large: str) -> Any:
    """Return the content of a file; ValueError if it is no JSON, too large, or nested too deeply.

    Args:
        path: of the file.
        what: what it has, for the reason: "rows".
        limit: bytes that an honest process does not exceed.
        too_large: the reason for a larger one.
    """
    if path.stat().st_size > limit:
        raise ValueError(too_large)
    try:
        return json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError(f"{what} that are nested too deeply") from None
