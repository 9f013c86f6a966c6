"""5a: the bytes of artifacts -> values and files for W&B. Uses no SDK, and runs no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mfwb.payload.builder import PayloadBuilder

__all__ = ["PayloadBuilder"]


def __getattr__(name: str) -> Any:
    """Import `PayloadBuilder` on first use: the process that converts frames never needs it."""
    if name != "PayloadBuilder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mfwb.payload.builder import PayloadBuilder  # noqa: PLC0415 - for the same reason

    return PayloadBuilder
