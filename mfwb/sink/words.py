"""What errors say, in a line."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(error: BaseException) -> str:
    """Return the first line of an error's text; W&B's run to several."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
