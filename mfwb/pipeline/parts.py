"""What `mfwb.wiring` joined."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.ports import BugLog, Ledger, Payloads, Progress, Sink, Source

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The outside of the pipeline."""

    source: Source
    payloads: Payloads
    sink: Sink
    ledger: Ledger
    progress: Progress
    bugs: BugLog
