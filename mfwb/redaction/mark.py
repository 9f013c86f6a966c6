"""The mark that stands in W&B where a secret was."""

from __future__ import annotations

__all__ = ["MASK"]

MASK = "***"
