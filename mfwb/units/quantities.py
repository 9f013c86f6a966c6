"""Sizes and durations as people write them: `500MB`, `24h`."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["A_DURATION", "A_SIZE", "Bytes", "Seconds", "as_bytes", "as_seconds"]

A_SIZE = "sizes are written like 500MB or 2GB"
A_DURATION = "durations are written like 90s, 10m, 24h or 7d"

_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SECONDS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86_400, "W": 7 * 86_400}


def as_bytes(value: Any) -> Any:
    """Return a size that is text as a number of bytes, anything else as it is; ValueError."""
    if isinstance(value, bool):
        raise ValueError(A_SIZE)  # noqa: TRY004 - pydantic would take it for 1 or 0
    return int(_number(value, _BYTES, A_SIZE)) if isinstance(value, str) else value


def as_seconds(value: Any) -> Any:
    """Return a duration that is text as seconds, anything else as it is; ValueError."""
    if isinstance(value, bool):
        raise ValueError(A_DURATION)  # noqa: TRY004 - pydantic would take it for 1 or 0
    return _number(value, _SECONDS, A_DURATION) if isinstance(value, str) else value


def _number(text: str, units: dict[str, int], complaint: str) -> float:
    written = text.strip().upper()
    unit = written.lstrip("0123456789._ ")
    digits = written[: len(written) - len(unit)].strip()
    try:
        number = float(digits) * units[unit]
    except (KeyError, ValueError):
        raise ValueError(complaint) from None
    if not isfinite(number):
        raise ValueError(complaint)
    return number


Bytes = Annotated[int, BeforeValidator(as_bytes), Field(ge=0)]
Seconds = Annotated[float, BeforeValidator(as_seconds), Field(ge=0, allow_inf_nan=False)]
