"""6 remember: which plan of which flow run reached which W&B project."""

from mfwb.ledger.places import ledger_path
from mfwb.ledger.sqlite import SqliteLedger

__all__ = ["SqliteLedger", "ledger_path"]
