"""Ledger: a record of which plan of which flow run reached which W&B project."""

from mfwb.ledger.merge import copy_entries, merge_ledgers
from mfwb.ledger.paths import ledger_path
from mfwb.ledger.query import find_entries, known_flow_runs, read_entries, read_sync_status
from mfwb.ledger.recovery import put_aside_if_damaged
from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ledger.status_rows import StatusFilter

__all__ = [
    "SqliteLedger",
    "StatusFilter",
    "copy_entries",
    "find_entries",
    "known_flow_runs",
    "ledger_path",
    "merge_ledgers",
    "put_aside_if_damaged",
    "read_entries",
    "read_sync_status",
]
