"""Sizes and durations as people write them: `500MB`, `24h`."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["DURATION_FORMAT", "SIZE_FORMAT", "Bytes", "Seconds", "parse_bytes", "parse_seconds"]

SIZE_FORMAT = "sizes are written like 500MB or 2GB"
DURATION_FORMAT = "durations are written like 90s, 10m, 24h or 7d"

_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SECONDS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86_400, "W": 7 * 86_400}


def parse_bytes(value: Any) -> Any:
    """Return the number of bytes of a text, any other value unchanged; ValueError."""
    if isinstance(value, bool):
        raise ValueError(SIZE_FORMAT)  # noqa: TRY004 - pydantic would take it for 1 or 0
    return int(_parse(value, _BYTES, SIZE_FORMAT)) if isinstance(value, str) else value


def parse_seconds(value: Any) -> Any:
    """Return the seconds of a text, any other value unchanged; ValueError."""
    if isinstance(value, bool):
        raise ValueError(DURATION_FORMAT)  # noqa: TRY004 - pydantic would take it for 1 or 0
    return _parse(value, _SECONDS, DURATION_FORMAT) if isinstance(value, str) else value


def _parse(text: str, units: dict[str, int], message: str) -> float:
    stripped = text.strip().upper()
    unit = stripped.lstrip("0123456789._ ")
    digits = stripped[: len(stripped) - len(unit)].strip()
    try:
        number = float(digits) * units[unit]
    except (KeyError, ValueError):
        raise ValueError(message) from None
    if not isfinite(number):
        raise ValueError(message)
    return number


Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(ge=0)]
Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(ge=0, allow_inf_nan=False)]
