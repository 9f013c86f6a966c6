"""Texts of a report: times, durations, numbers and values, short and printable."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from mfwb.safe_text import one_line, printable

__all__ = [
    "duration",
    "moment",
    "name_text",
    "number_text",
    "text_block",
    "value_text",
]

_NAME = 200  # letters
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LARGE, _SMALL = 1e7, 1e-4
_LONG = 10**12


def name_text(text: str, longest: int = _NAME) -> str:
    """Return a name as one printable line."""
    return one_line(text, longest)


def text_block(text: str, longest: int) -> str:
    """Return a text of several printable lines, cut at so many letters."""
    if len(text) > longest:
        return f"{printable(text[:longest])}{_ELLIPSIS} ({len(text) - longest:,} more letters)"
    return printable(text)


def moment(epoch_ms: int | None) -> str:
    """Return `2026-11-30 04:48:01` in UTC; empty if it is not known."""
    if epoch_ms is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):  # the year is out of range
        return ""


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; empty if it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 10:  # noqa: PLR2004 - below that, tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    for unit, length, below, smaller in (
        ("min", _MINUTE, "s", 1),
        ("h", _HOUR, "min", _MINUTE),
        ("d", _DAY, "h", _HOUR),
    ):
        if whole < length * {"min": 60, "h": 24, "d": 10**9}[unit]:
            rest = whole % length // smaller
            return f"{whole // length:,} {unit}" + (f" {rest} {below}" if rest else "")
    return ""


def number_text(number: float) -> str:
    """Return a number with at most six significant digits."""
    if isinstance(number, bool):
        return str(number)
    if isinstance(number, int):
        return f"{number:,}" if abs(number) < _LONG else f"{number:.6g}"
    if not math.isfinite(number):
        return str(number)
    if number and not _SMALL <= abs(number) < _LARGE:
        return f"{number:.4g}"
    return f"{number:.6g}"


def value_text(value: Any, longest: int) -> str:
    """Return a value of JSON types as a person reads it, cut at so many letters."""
    if isinstance(value, str):
        return text_block(value, longest)
    if isinstance(value, float):
        return number_text(value)
    if value is None or isinstance(value, (bool, int)):
        return text_block(str(value), longest)
    is_flat = isinstance(value, Mapping) and not any(
        isinstance(item, (dict, list)) for item in value.values()
    )
    text = json.dumps(value, ensure_ascii=False, default=str, indent=None)
    if len(text) > _WIDE and (is_flat or isinstance(value, (dict, list))):
        text = json.dumps(value, ensure_ascii=False, default=str, indent=2)
    return text_block(text, longest)


_WIDE = 80
