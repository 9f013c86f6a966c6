"""What differs from one run to the next is taken out before a page is compared with a run."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["differences", "normal"]

_RULES = (
    (re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{8}\b(?=\s|$)"), "<sha>"),
    (re.compile(r"(?<=[-/])[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "<time>"),
    (re.compile(r"[≈~]?\b[\d,.]+ (B|KB|MB|GB)\b"), "<size>"),
    (re.compile(r"\b[\d,]+ bytes\b"), "<size>"),
    (re.compile(r"\b[\d.]+ ?(ms|s|min|m|h|d)\b( \d+ ?(ms|s|min|m)\b)?"), "<duration>"),
    (re.compile(r"\b(\d+|a|an) (second|minute|hour|day)s?\b( ago)?"), "<duration>"),
    (re.compile(r"\b[\d,]+ items in\b"), "<count> items in"),  # Metaflow records the remote of git
    (re.compile(r"\b(\d+\.\d+\.\d+[\w.+]*)\b"), "<version>"),
    (re.compile(r":\d{4,5}\b"), ":<port>"),
    (re.compile(r"[─━═-]{3,}"), "<line>"),
    (re.compile(r"\s+"), " "),
)


def normal(line: str) -> str:
    """Return a line without what differs between runs: times, sizes, checksums, widths."""
    for pattern, text in _RULES:
        line = pattern.sub(text, line)
    return line.strip()


def differences(printed: Sequence[str], real: Sequence[str]) -> list[str]:
    """Return how a page differs from a run, a line each; a line `...` of the page is any lines."""
    ours = [text for text in map(normal, printed) if text]
    theirs = [text for text in map(normal, real) if text]
    if _fits(ours, theirs):
        return []
    return [f"- {line}" for line in ours] + [f"+ {line}" for line in theirs]


def _fits(page: Sequence[str], real: Sequence[str]) -> bool:
    if "..." not in page:
        return [*page] == [*real]
    gap = page.index("...")
    if [*page[:gap]] != [*real[:gap]]:
        return False
    rest = page[gap + 1 :]
    return not rest or any(_fits(rest, real[start:]) for start in range(gap, len(real) + 1))
