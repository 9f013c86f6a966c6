"""The parts of one call, as `mfwb.wiring` joins them."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.ports import Bugs, Ledger, Payloads, Progress, Sink, Source

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The implementations of all ports that the pipeline uses."""

    source: Source
    payloads: Payloads
    sink: Sink
    ledger: Ledger
    progress: Progress
    bugs: Bugs
