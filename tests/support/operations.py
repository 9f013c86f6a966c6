"""Counts of operations: unlike seconds they are the same on a machine that is busy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Calls", "counted_calls"]


class Calls:
    """How many functions were called, those in C included."""

    def __init__(self) -> None:
        self.count = 0

    def _note(self, _frame: FrameType, event: str, _arg: object) -> None:
        if event in {"call", "c_call"}:
            self.count += 1


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of functions in this thread, until the block ends."""
    calls = Calls()
    before = sys.getprofile()
    sys.setprofile(calls._note)  # noqa: SLF001 - of this module
    try:
        yield calls
    finally:
        sys.setprofile(before)
