"""The Protocols between the pipeline and its parts: source, payloads, sink, ledger and progress."""

from __future__ import annotations

from mfwb.ports.bugs import Bugs
from mfwb.ports.ledger import Entry, Ledger, Standing
from mfwb.ports.payloads import (
    Payloads,
    ReadyArtifact,
    ReadyCard,
    ReadyFile,
    ReadyPreview,
    ReadyRun,
    ReadyTable,
)
from mfwb.ports.progress import Progress, Unwatched
from mfwb.ports.push import Cargo, Pushed, Pusher
from mfwb.ports.sink import Destination, FoundFlowRun, Session, Sink, WrittenRun
from mfwb.ports.source import Contents, Listed, Located, LogLine, Source

__all__ = [
    "Bugs",
    "Cargo",
    "Contents",
    "Destination",
    "Entry",
    "FoundFlowRun",
    "Ledger",
    "Listed",
    "Located",
    "LogLine",
    "Payloads",
    "Progress",
    "Pushed",
    "Pusher",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
    "Session",
    "Sink",
    "Source",
    "Standing",
    "Unwatched",
    "WrittenRun",
]
