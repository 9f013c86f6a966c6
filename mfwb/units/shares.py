"""Shares as people write them: `5%`, `1/20`."""

from __future__ import annotations

import re

__all__ = ["SHARE_FORMAT", "parse_share"]

SHARE_FORMAT = "shares are written like 5% or 1/20"

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%", re.ASCII)
_FRACTION = re.compile(r"([0-9]+)\s*/\s*([0-9]+)", re.ASCII)


def parse_share(text: str) -> float:
    """Return the share that a text names, above 0 and at most 1; ValueError."""
    share = 0.0
    if percent := _PERCENT.fullmatch(text.strip()):
        share = float(percent[1]) / 100
    elif (fraction := _FRACTION.fullmatch(text.strip())) and int(fraction[2]):
        share = int(fraction[1]) / int(fraction[2])
    if not 0 < share <= 1:
        raise ValueError(SHARE_FORMAT)
    return share
