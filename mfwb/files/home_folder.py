"""Paths that begin with `~`: the home folder of a user, which may have none."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["expand_home"]


def expand_home(path: str | Path) -> Path:
    """Return the path with the home folder in place of `~`; unchanged if there is none.

    `Path.expanduser` raises RuntimeError then, as in a container whose user is in no list.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - see above
