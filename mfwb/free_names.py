"""Names that are still free, of keys and columns."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["free_name"]


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name, with as many `_` appended as needed to make it free."""
    while name in taken:
        name += "_"
    return name
