"""The SQL and the rows of a sync status: numbers by sync state, a list, and losses."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mfwb.ledger.rows import ENTRY_COLUMNS, LAST_MOMENT, to_destination
from mfwb.ledger.schema import IS_OPEN
from mfwb.ports import SyncState
from mfwb.snapshot import Loss
from mfwb.sync_status import LostItem, StateCount

__all__ = [
    "COUNTS",
    "LIST_ORDER",
    "LOST_ITEMS",
    "StatusFilter",
    "to_count",
    "to_lost_items",
    "where",
]

_SYNC_STATES = {state.value: state for state in SyncState}
_FAILED = f"standing = '{SyncState.FAILED.value}'"

_STRANGE = " OR ".join(
    (
        *(
            f"typeof({name}) != '{'integer' if name in {'started_at', 'lost'} else 'text'}'"
            for name in ENTRY_COLUMNS
        ),
        "flow_run NOT GLOB '?*/?*' OR flow_run GLOB '*/*/*'",
        f"abs(started_at) > {LAST_MOMENT}",
        f"at NOT GLOB '{re.sub('0', '[0-9]', '0000-00-00T00:00:00Z')}'",
    )
)
"""A row that mfwb did not write. To make entries of 100,000 rows takes 2 s; this takes 0.2 s."""

COUNTS = (
    "SELECT substr(flow_run, 1, instr(flow_run, '/') - 1), mode, base, entity, project, standing, "  # noqa: S608 - constants
    f"count(*), sum(lost), max(at), max({_STRANGE}) FROM flow_runs {{where}} "
    "GROUP BY 1, mode, base, entity, project, standing"
)
"""One row for each flow, destination and sync state."""

LIST_ORDER = f"ORDER BY {_FAILED} DESC, {IS_OPEN} DESC, at DESC, started_at DESC, flow_run"
"""What needs attention first, then the last syncs."""

LOST_ITEMS = (
    "SELECT flow_run, mode, base, entity, project, outcome FROM flow_runs "
    "JOIN outcomes USING (id) {where} AND lost > 0 ORDER BY flow_run"
)


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """Which flow runs of a ledger are selected.

    Attributes:
        pathspecs: flows, and single flow runs; empty: all.
        entity: only flow runs that were sent to this entity; None: any.
        project: only flow runs that were sent to this project; None: any.
        since: only flow runs that started then or later, in epoch ms; None: any. If the start is
            not known, that of the last sync counts.
    """

    pathspecs: Collection[str] = ()
    entity: str | None = None
    project: str | None = None
    since: int | None = None


def where(
    selected: StatusFilter, *, failed: bool = False, lossy: bool = False, is_open: bool = False
) -> tuple[str, list[str | int]]:
    """Return a condition in SQL, and its values.

    Args:
        selected: the flow runs.
        failed: only those that could not be synced.
        lossy: only those with losses.
        is_open: only those that the next sync checks.
    """
    conditions, values = ["TRUE"], list[str | int]()
    if selected.pathspecs:
        conditions.append(f"({' OR '.join(map(_matches, selected.pathspecs))})")
        for pathspec in selected.pathspecs:
            values += [pathspec] if "/" in pathspec else [f"{pathspec}/", f"{pathspec}0"]
    for column, value in (("entity", selected.entity), ("project", selected.project)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if selected.since is not None:
        conditions.append("(started_at >= ? OR started_at = 0 AND 1000 * strftime('%s', at) >= ?)")
        values += [selected.since, selected.since]
    conditions += [
        text for text, on in ((_FAILED, failed), ("lost > 0", lossy), (IS_OPEN, is_open)) if on
    ]
    return f"WHERE {' AND '.join(conditions)}", values


def _matches(pathspec: str) -> str:
    # 0 is the character after the slash
    return "flow_run = ?" if "/" in pathspec else "flow_run >= ? AND flow_run < ?"


def to_count(row: Sequence[Any], bundle: str) -> StateCount:
    """Return the numbers of a row of `COUNTS`; DatabaseError if mfwb did not write it.

    Args:
        row: its values.
        bundle: the folder of the ledger.
    """
    flow, mode, base, entity, project, sync_state, number, lost, newest, is_strange = row
    if is_strange or sync_state not in _SYNC_STATES:
        raise sqlite3.DatabaseError("it has a row that mfwb did not write")
    destination = to_destination(mode, base, entity, project, bundle)
    return StateCount(flow, destination, _SYNC_STATES[sync_state], number, lost, newest)


def to_lost_items(row: Sequence[Any], bundle: str) -> Iterator[LostItem]:
    """Yield the losses of a row of `LOST_ITEMS`; none if its outcome can't be read.

    To read whole outcomes takes ten times as long.

    Args:
        row: its values.
        bundle: the folder of the ledger.
    """
    flow_run, mode, base, entity, project, outcome = row
    try:
        read = json.loads(outcome)
        parts = [read["losses"], *(run["losses"] for run in read["wandb_runs"])]
        losses = [Loss(str(item["item"]), str(item["reason"])) for part in parts for item in part]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    destination = to_destination(mode, base, entity, project, bundle)
    for loss in losses:
        yield LostItem(flow_run, destination, loss)
