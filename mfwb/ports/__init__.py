"""The Protocols between the pipeline and its parts: source, payloads, sink, ledger and progress."""

from __future__ import annotations

from mfwb.ports.bugs import BugLog
from mfwb.ports.ledger import Entry, Ledger, SyncState
from mfwb.ports.payloads import (
    AppliedRule,
    Payloads,
    ReadyArtifact,
    ReadyCard,
    ReadyFile,
    ReadyMedia,
    ReadyPreview,
    ReadyRun,
    ReadyTable,
)
from mfwb.ports.progress import NoProgress, Progress
from mfwb.ports.push import BundledFlowRun, PushedFlowRun, Pusher
from mfwb.ports.sink import Destination, ExistingFlowRun, Session, Sink, WrittenRun
from mfwb.ports.source import BlobLocation, Contents, ListedFlowRun, LogLine, Source

__all__ = [
    "AppliedRule",
    "BlobLocation",
    "BugLog",
    "BundledFlowRun",
    "Contents",
    "Destination",
    "Entry",
    "ExistingFlowRun",
    "Ledger",
    "ListedFlowRun",
    "LogLine",
    "NoProgress",
    "Payloads",
    "Progress",
    "PushedFlowRun",
    "Pusher",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyMedia",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
    "Session",
    "Sink",
    "Source",
    "SyncState",
    "WrittenRun",
]
