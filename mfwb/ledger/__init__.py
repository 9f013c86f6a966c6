"""6 remember: which plan of which flow run reached which W&B project."""

from mfwb.ledger.damage import put_aside_if_damaged
from mfwb.ledger.places import ledger_path
from mfwb.ledger.sqlite import SqliteLedger
from mfwb.ledger.telling import standings_in

__all__ = [
    "SqliteLedger",
    "ledger_path",
    "put_aside_if_damaged",
    "standings_in",
]
