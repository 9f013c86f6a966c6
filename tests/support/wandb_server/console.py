"""Console lines as the file stream carries them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

# What a line looks like if the server does not know structured lines: level, time, text.
_PLAIN = re.compile(
    r"(?:(?P<level>ERROR) )?(?P<time>\d{4}-\d\d-\d\dT[\d:.]+)Z? (?P<line>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line of a run's output."""

    number: int
    line: str
    level: str = "info"
    timestamp: str | None = None
    label: str | None = None


def console_lines(raw: Mapping[int, str]) -> list[ConsoleLine]:
    """Return the lines in order."""
    return [_line(number, raw[number]) for number in sorted(raw)]


def _line(number: int, text: str) -> ConsoleLine:
    try:
        entry = json.loads(text)
    except ValueError:
        return _plain(number, text)
    if not isinstance(entry, dict) or "content" not in entry:
        return _plain(number, text)
    level = str(entry.get("level") or "info").lower()
    return ConsoleLine(
        number, entry["content"].rstrip("\n"), level, entry.get("ts"), entry.get("label") or None
    )


def _plain(number: int, text: str) -> ConsoleLine:
    result = _PLAIN.fullmatch(text.rstrip("\n"))
    if result is None:
        return ConsoleLine(number, text.rstrip("\n"))
    level = "error" if result["level"] else "info"
    return ConsoleLine(number, result["line"], level, result["time"])
