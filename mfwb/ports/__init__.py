"""The Protocols between the pipeline and its parts: source, payloads, sink, ledger and progress."""

from __future__ import annotations

from mfwb.ports.bugs import BugLog
from mfwb.ports.ledger import Entry, Ledger, SyncState
from mfwb.ports.listing import ListedFlowRun, ListedFlowRuns
from mfwb.ports.payloads import (
    AppliedRule,
    ChartAxis,
    ExpectedFiles,
    ExpectedRun,
    Payloads,
    ReadyArtifact,
    ReadyCard,
    ReadyFile,
    ReadyMedia,
    ReadyPreview,
    ReadyRun,
    ReadyTable,
)
from mfwb.ports.progress import Ended, NoProgress, Progress, SimpleProgress, as_progress
from mfwb.ports.push import BundledFlowRun, PushedFlowRun, Pusher
from mfwb.ports.sink import (
    Destination,
    ExistingFlowRun,
    ExistingWandbRun,
    OwnRun,
    Session,
    Sink,
    WrittenRun,
)
from mfwb.ports.source import (
    BlobLocation,
    CheckpointFile,
    CodeFile,
    Contents,
    ExcludedCode,
    LogLine,
    Readable,
    Source,
)

__all__ = [
    "AppliedRule",
    "BlobLocation",
    "BugLog",
    "BundledFlowRun",
    "ChartAxis",
    "CheckpointFile",
    "CodeFile",
    "Contents",
    "Destination",
    "Ended",
    "Entry",
    "ExcludedCode",
    "ExistingFlowRun",
    "ExistingWandbRun",
    "ExpectedFiles",
    "ExpectedRun",
    "Ledger",
    "ListedFlowRun",
    "ListedFlowRuns",
    "LogLine",
    "NoProgress",
    "OwnRun",
    "Payloads",
    "Progress",
    "PushedFlowRun",
    "Pusher",
    "Readable",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyMedia",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
    "Session",
    "SimpleProgress",
    "Sink",
    "Source",
    "SyncState",
    "WrittenRun",
    "as_progress",
]
