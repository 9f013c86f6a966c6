"""Bars over time: which are drawn, and in which lanes. Pure; for every drawing of a timeline."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

__all__ = ["STATE_COLORS", "STATE_NAMES", "Bar", "pack_lanes", "select_bars"]

STATE_COLORS = {"ok": "#4c78a8", "caught": "#f2a33c", "failed": "#d62728", "unfinished": "#8c8c8c"}
"""Of tasks and attempts, by state."""

STATE_NAMES = {"ok": "ok", "caught": "failed and caught", "failed": "failed"}


class Bar(Protocol):
    """An attempt over time."""

    @property
    def start(self) -> int:
        """When it began, in epoch ms."""
        ...

    @property
    def length(self) -> float:
        """How long it took, in ms."""
        ...


_BarT = TypeVar("_BarT", bound=Bar)


def select_bars(bars: Sequence[_BarT], limit: int, is_ok: Callable[[_BarT], bool]) -> list[_BarT]:
    """Return as many bars as can be drawn: those that failed, and an even sample of the others."""
    if len(bars) <= limit:
        return list(bars)
    failed = [bar for bar in bars if not is_ok(bar)][:limit]
    others = [bar for bar in bars if is_ok(bar)]
    room = limit - len(failed)
    sample = [others[position * len(others) // room] for position in range(room)] if others else []
    return [*failed, *sample]


def pack_lanes(bars: Sequence[_BarT]) -> list[list[_BarT]]:
    """Return lanes of bars that do not overlap, as few as possible."""
    lanes: list[list[_BarT]] = []
    free: list[tuple[float, int]] = []  # when each lane is free again
    for bar in sorted(bars, key=lambda bar: bar.start):
        if free and free[0][0] <= bar.start:
            lane = heapq.heappop(free)[1]
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(bar)
        heapq.heappush(free, (bar.start + bar.length, lane))
    return lanes
