"""When a flow run started."""

from __future__ import annotations

from collections.abc import Iterable

from mfwb.snapshot.pathspec import moment_of_id
from mfwb.source.json_records import RunRecord

__all__ = ["started_at"]


def started_at(run_id: str, record: RunRecord, provider: str, queued: Iterable[int] = ()) -> int:
    """Return when a flow run started, in epoch ms.

    Tagging a local flow run moves what Metaflow calls its creation, but not that of its tasks. Its
    id is its start in microseconds, unless somebody chose it.

    Args:
        run_id: its id.
        record: what the provider says of it.
        provider: as in `local@/data`.
        queued: when its tasks were queued, in epoch ms, as far as they were read.
    """
    if not provider.startswith("local@"):
        return record.ts_epoch
    moment = moment_of_id(run_id)
    return min((record.ts_epoch, *queued)) if moment is None else moment
