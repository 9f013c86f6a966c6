"""Entries as rows of the ledger's table, and back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from mfwb.outcome import outcome_from_json
from mfwb.ports import Destination, Entry, SyncState

__all__ = ["AT_A_DESTINATION", "FACTS", "at_a_destination", "to_entry", "to_row", "with_outcome"]

AT_A_DESTINATION = "mode = ? AND base = ? AND entity = ? AND project = ?"

FACTS = (
    *("flow_run", "provider", "mode", "base", "entity", "project", "standing", "state"),
    *("started_at", "listed", "asked", "digest", "reason", "at", "lost"),
)
"""The columns that an entry without its outcome is made of, and the number of losses."""


_STANDINGS = {one.value: one for one in SyncState}
_TYPES = {"started_at": int, "lost": int}  # the others are text
_FLOW_RUN = re.compile(r"[^/\0]+/[^/\0]+")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LAST_MOMENT = 253_402_300_799_000  # epoch ms: the end of the year 9999


def at_a_destination(destination: Destination) -> tuple[str, str, str, str]:
    """Return the values for `AT_A_DESTINATION`."""
    offline = destination.mode == "offline"
    # A bundle may be moved together with its ledger, so its path is not part of what is known.
    base = "" if offline else destination.base
    return destination.mode, base, destination.entity or "", destination.project


def to_row(entry: Entry) -> dict[str, Any]:
    """Return the values by column, but for the time, which the ledger fills in."""
    mode, base, entity, project = at_a_destination(entry.destination)
    return {
        "flow_run": entry.flow_run,
        "provider": entry.provider,
        "mode": mode,
        "base": base,
        "entity": entity,
        "project": project,
        "standing": entry.standing.value,
        "state": entry.state,
        "started_at": entry.started_at,
        "listed": entry.listed,
        "asked": entry.asked,
        "digest": entry.digest,
        "reason": entry.reason,
        "lost": len(entry.outcome.all_losses) if entry.outcome else 0,
    }


def to_entry(row: Sequence[Any], bundle: str) -> Entry:
    """Return the entry of the columns `FACTS`.

    Args:
        row: their values.
        bundle: the folder of the ledger, which is the base of what is offline.

    Raises:
        sqlite3.DatabaseError: mfwb did not write that.
    """
    _check(row)
    flow_run, provider, mode, base, entity, project, standing, state, *rest = row
    started_at, listed, asked, digest, reason, at, _ = rest
    return Entry(
        flow_run=flow_run,
        provider=provider,
        destination=_destination(mode, bundle if mode == "offline" else base, entity, project),
        standing=_STANDINGS[standing],
        state=state,
        started_at=started_at,
        listed=listed,
        asked=asked,
        digest=digest,
        reason=reason,
        at=at,
    )


def _check(row: Sequence[Any]) -> None:
    """Make sure of the types, which SQLite leaves to whoever writes, and of what has a form."""
    facts = dict(zip(FACTS, row, strict=True))
    good = all(isinstance(value, _TYPES.get(name, str)) for name, value in facts.items())
    if not (
        good
        and _FLOW_RUN.fullmatch(facts["flow_run"])
        and _AT.fullmatch(facts["at"])
        and facts["standing"] in _STANDINGS
        and abs(facts["started_at"]) <= _LAST_MOMENT
    ):
        raise sqlite3.DatabaseError("it has a row that mfwb did not write")


@cache
def _destination(mode: str, base: str, entity: str, project: str) -> Destination:
    return Destination(mode, base, entity or None, project)  # the same few for thousands of rows


def with_outcome(entry: Entry, outcome: str | None) -> Entry:
    """Return the entry with its outcome.

    Of an outcome that this version can't read nothing is known, so no plan counts as carried out:
    the next sync compares with W&B, which knows better.
    """
    if outcome is None:
        return entry
    try:
        if not isinstance(outcome, str):
            raise TypeError("an outcome is a text")  # noqa: TRY301
        return replace(entry, outcome=outcome_from_json(outcome))
    except (TypeError, ValueError):
        return replace(entry, digest="", outcome=None)
