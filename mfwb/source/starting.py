"""When a flow run started."""

from __future__ import annotations

from mfwb.source.plain import LATEST
from mfwb.source.records import RunRecord

__all__ = ["moment_of_id", "started_at"]

_FIRST_ID = 10**15
"""The smallest number that is an id of a local flow run: microseconds, as of 2001."""


def started_at(run_id: str, record: RunRecord, provider: str) -> int:
    """Return when a flow run started, in epoch ms.

    Tagging a local flow run moves what Metaflow calls its creation; its id is its start in
    microseconds, unless somebody chose it.
    """
    moment = moment_of_id(run_id) if provider.startswith("local@") else None
    return record.ts_epoch if moment is None else moment


def moment_of_id(run_id: str) -> int | None:
    """Return the moment that the id of a local flow run is, in epoch ms; None if it is none."""
    if not (run_id.isascii() and run_id.isdecimal() and len(run_id) <= len(str(LATEST * 1000))):
        return None
    moment = int(run_id)
    return moment // 1000 if _FIRST_ID <= moment <= LATEST * 1000 else None
