"""Plain values that are too large for the summary, into JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.payload.jsonsafe import to_json
from mfwb.payload.members import VALUES

__all__ = ["load_value", "write_json"]

_CHARACTERS_PER_BYTE = 20
_CHARACTERS_AT_LEAST = 1_000_000


def load_value(data: bytes) -> Any:
    """Return a pickled plain value in JSON types; any error if it is none.

    Values are at most some times as long as their pickles, unless these hold one thing many times
    over, as those do that are made to fill disks.
    """
    limit = _CHARACTERS_AT_LEAST + _CHARACTERS_PER_BYTE * len(data)
    return to_json(pickles.loads(data, VALUES), limit=limit, exact=True)


def write_json(value: Any, path: Path) -> None:
    """Write JSON types as one document, in ASCII so that every text survives."""
    path.write_text(json.dumps(value, allow_nan=False), encoding="ascii")
