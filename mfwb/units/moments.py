"""Moments as people write them: `24h` ago, a date, a date and a time."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from mfwb.units.quantities import parse_seconds

__all__ = ["MOMENT_FORMAT", "is_duration", "parse_moment", "to_epoch_ms"]

MOMENT_FORMAT = "times are written like 24h, 7d, 2026-11-01, 2026-11-01T12:00 or 2026-11-01T12:00Z"

_AGO = re.compile(r"[\d._]+\s*[A-Za-z]+\Z", re.ASCII)
"""A duration with its unit; a number without a unit could be a year."""

_DATE = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?P<time>[T ]\d\d:\d\d(:\d\d(\.\d{3}(\d{3})?)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?\Z",
    re.ASCII | re.IGNORECASE,
)
"""Formats that every version of Python reads; later versions also accept weeks and more."""


def is_duration(text: str) -> bool:
    """Whether a text is a duration (how long ago), and not a date."""
    return bool(_AGO.match(text.strip()))


def parse_moment(text: str, now: int) -> int:
    """Return a moment in epoch ms.

    Args:
        text: how long ago (`24h`), or a date, or a date with a time; in local time, unless it has
            `Z` or `+02:00`. A date alone means its first moment.
        now: epoch ms.

    Raises:
        ValueError: with the valid formats.
    """
    stripped = text.strip()
    if _AGO.match(stripped):
        try:
            return now - round(float(parse_seconds(stripped)) * 1000)
        except ValueError:
            raise ValueError(MOMENT_FORMAT) from None
    match = _DATE.match(stripped)
    if not match:
        raise ValueError(MOMENT_FORMAT)
    if (match["zone"] or "").upper() == "Z":
        stripped = f"{stripped[:-1]}+00:00"
    try:
        return to_epoch_ms(datetime.fromisoformat(stripped.upper()))
    except ValueError:  # the 30th of February, for example
        raise ValueError(MOMENT_FORMAT) from None


def to_epoch_ms(moment: datetime) -> int:
    """Return a date and time in epoch ms; without a time zone it is local. ValueError."""
    try:
        return round(moment.astimezone(timezone.utc).timestamp() * 1000)
    except (OverflowError, OSError):  # outside the platform's calendar
        raise ValueError(MOMENT_FORMAT) from None
