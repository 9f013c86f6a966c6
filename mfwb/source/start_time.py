"""Start time of a flow run."""

from __future__ import annotations

from collections.abc import Iterable

from mfwb.snapshot.pathspec import moment_of_id
from mfwb.source.json_records import RunRecord

__all__ = ["started_at"]


def started_at(run_id: str, record: RunRecord, provider: str, queued: Iterable[int] = ()) -> int:
    """Return when a flow run started, in epoch ms.

    Tagging a local flow run changes the creation time that Metaflow records for it, but not that
    of its tasks. Its id is its start in microseconds, unless somebody chose the id.

    Args:
        run_id: its id.
        record: the provider's record of it.
        provider: for example `local@/data`.
        queued: when its tasks were queued, in epoch ms, as far as they were read.
    """
    if not provider.startswith("local@"):
        return record.ts_epoch
    moment = moment_of_id(run_id)
    return min((record.ts_epoch, *queued)) if moment is None else moment
