"""JSON files of plain values that are too large for the summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.conversion.instances import VALUES
from mfwb.conversion.json_safe import character_limit, to_json

__all__ = ["load_value", "write_json"]


def load_value(data: bytes) -> Any:
    """Return a pickled plain value in JSON types; any error for another value."""
    return to_json(pickles.loads(data, VALUES), limit=character_limit(len(data)), exact=True)


def write_json(value: Any, path: Path) -> None:
    """Write JSON types as one document, in ASCII so that every text is preserved."""
    path.write_text(json.dumps(value, allow_nan=False), encoding="ascii")
