"""Reading TOML with each Python that mfwb runs on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a file of TOML says."""
    result: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return result
