"""Conversion between entries and rows of the ledger's table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from sys import intern
from typing import Any

from mfwb.outcome import FlowRunOutcome, outcome_from_json
from mfwb.ports import Destination, Entry, SyncState
from mfwb.recorded_outcome import from_ledger

__all__ = [
    "DESTINATION_MATCHES",
    "ENTRY_COLUMNS",
    "LAST_MOMENT",
    "LedgerRow",
    "destination_values",
    "to_destination",
    "to_entry",
    "to_recorded",
    "to_row",
    "with_outcome",
]

DESTINATION_MATCHES = "mode = ? AND base = ? AND entity = ? AND project = ?"

ENTRY_COLUMNS = (
    *("flow_run", "provider", "mode", "base", "entity", "project", "standing", "state"),
    *("started_at", "listed", "asked", "digest", "reason", "at", "lost"),
)
"""The columns of an entry without its outcome, and the number of losses."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row as it is stored, to be copied into another ledger.

    Attributes:
        values: of `ENTRY_COLUMNS`.
        outcome: as JSON; None: it has none.
    """

    values: tuple[Any, ...]
    outcome: str | None

    def __post_init__(self) -> None:
        """Raise sqlite3.DatabaseError if mfwb did not write the row."""
        _raise_if_invalid(self.values)
        if not isinstance(self.outcome, str | None):
            raise sqlite3.DatabaseError("it has an outcome that mfwb did not write")

    @property
    def key(self) -> tuple[str, ...]:
        """The flow run and its destination, whatever the provider."""
        return (self.values[0], *self.values[2:6])

    @property
    def flow_run(self) -> str:
        """Its pathspec."""
        return str(self.values[0])

    @property
    def provider(self) -> str:
        """The metadata provider; empty: not known."""
        return str(self.values[1])

    @property
    def sync_state(self) -> str:
        """The sync state, by its value."""
        return str(self.values[6])

    @property
    def at(self) -> str:
        """When it was written, ISO 8601 in UTC."""
        return str(self.values[13])


_SYNC_STATES = {sync_state.value: sync_state for sync_state in SyncState}
_TYPES = {"started_at": int, "lost": int}  # the others are text
_FLOW_RUN = re.compile(r"[^/\0]+/[^/\0]+")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
LAST_MOMENT = 253_402_300_799_000  # epoch ms: the end of the year 9999


def destination_values(destination: Destination) -> tuple[str, str, str, str]:
    """Return the values for `DESTINATION_MATCHES`."""
    # A bundle may be moved together with its ledger, so its path is not stored.
    base = "" if destination.mode == "offline" else destination.base
    return destination.mode, base, destination.entity or "", destination.project


def to_row(entry: Entry) -> dict[str, Any]:
    """Return the values of an entry by column, without the time, which the ledger fills in."""
    mode, base, entity, project = destination_values(entry.destination)
    return {
        "flow_run": entry.flow_run,
        "provider": entry.provider,
        "mode": mode,
        "base": base,
        "entity": entity,
        "project": project,
        "standing": entry.sync_state.value,
        "state": entry.state,
        "started_at": entry.started_at,
        "listed": entry.listed,
        "asked": entry.settings_stamp,
        "digest": entry.digest,
        "reason": entry.reason,
        "lost": len(entry.outcome.all_losses) if entry.outcome else 0,
    }


def to_entry(row: Sequence[Any], bundle: str, outcome: FlowRunOutcome | None = None) -> Entry:
    """Return the entry of a row.

    Args:
        row: the values of `ENTRY_COLUMNS`.
        bundle: the folder of the ledger, which is the base of offline destinations.
        outcome: of the row; None: it has none, or it was not requested.

    Raises:
        sqlite3.DatabaseError: if mfwb did not write the row.
    """
    _raise_if_invalid(row)
    flow_run, provider, mode, base, entity, project, sync_state, state, *rest = row
    started_at, listed, settings_stamp, digest, reason, at, _ = rest
    return Entry(
        flow_run=flow_run,
        provider=intern(provider),
        destination=to_destination(mode, base, entity, project, bundle),
        sync_state=_SYNC_STATES[sync_state],
        state=intern(state),
        started_at=started_at,
        listed=listed,
        settings_stamp=intern(settings_stamp),
        digest=digest,
        reason=reason,
        outcome=outcome,
        at=at,
    )


def _raise_if_invalid(row: Sequence[Any]) -> None:
    if tuple(map(type, row)) != _ROW_TYPES or not _is_valid(row):
        raise sqlite3.DatabaseError("it has a row that mfwb did not write")


_ROW_TYPES = tuple(_TYPES.get(name, str) for name in ENTRY_COLUMNS)
"""The types of a row's values, which SQLite does not enforce."""


def _is_valid(row: Sequence[Any]) -> bool:
    """Return whether those values have their format that have one."""
    flow_run, started_at, at, sync_state = (row[position] for position in _WITH_FORMAT)
    return (
        _FLOW_RUN.fullmatch(flow_run) is not None
        and _AT.fullmatch(at) is not None
        and sync_state in _SYNC_STATES
        and abs(started_at) <= LAST_MOMENT
    )


_WITH_FORMAT = tuple(map(ENTRY_COLUMNS.index, ("flow_run", "started_at", "at", "standing")))


def to_destination(mode: str, base: str, entity: str, project: str, bundle: str) -> Destination:
    """Return the destination of a row.

    Args:
        mode: the column of that name.
        base: the same.
        entity: the same.
        project: the same.
        bundle: the folder of the ledger, which is the base of offline destinations.
    """
    return _destination(mode, bundle if mode == "offline" else base, entity, project)


@cache
def _destination(mode: str, base: str, entity: str, project: str) -> Destination:
    return Destination(mode, base, entity or None, project)  # thousands of rows share a few


def with_outcome(entry: Entry, outcome: str | None) -> Entry:
    """Return the entry with its outcome.

    If this version can't read the outcome, no plan counts as carried out: the next sync compares
    with W&B, which has the facts.
    """
    if outcome is None:
        return entry
    try:
        if not isinstance(outcome, str):
            raise TypeError("an outcome is a text")  # noqa: TRY301
        return replace(entry, outcome=outcome_from_json(outcome))
    except (TypeError, ValueError):
        return replace(entry, digest="", outcome=None)


def to_recorded(outcome: Any, *, is_own: bool) -> FlowRunOutcome | None:
    """Return what a call shows that finds a flow run unchanged; None if it can't be read.

    Args:
        outcome: the column of that name.
        is_own: whether this user's mfwb wrote it.
    """
    try:
        return from_ledger(outcome, is_own=is_own) if isinstance(outcome, str) else None
    except ValueError:
        return None
