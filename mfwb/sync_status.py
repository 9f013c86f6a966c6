"""How the flow runs of a ledger stand: in numbers, and which of them are open. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mfwb.ports import Destination, Entry, SyncState
from mfwb.snapshot import Loss
from mfwb.snapshot.pathspec import flow_of

__all__ = ["FlowStanding", "Known", "Standings", "sum_up"]


@dataclass(frozen=True, slots=True)
class Known:
    """An entry of the ledger, without its outcome, and how many losses that tells of."""

    entry: Entry
    lost: int

    @property
    def flow(self) -> str:
        """The name of the flow."""
        return flow_of(self.entry.flow_run)


@dataclass(frozen=True, slots=True)
class FlowStanding:
    """How many runs of a flow stand how at a destination.

    Attributes:
        flow: its name.
        destination: where they go.
        synced: all that can be there is there.
        pending: to be looked at by the next sync.
        failed: could not be synced; the next sync tries again.
        left_out: not asked for.
        lost: items of all of them that did not reach W&B.
        newest: when the last one was synced, ISO 8601 in UTC; empty: none was.
    """

    flow: str
    destination: Destination
    synced: int = 0
    pending: int = 0
    failed: int = 0
    left_out: int = 0
    lost: int = 0
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Standings:
    """What `mfwb status` tells.

    Attributes:
        ledger: the path of its file.
        flows: by flow and destination.
        open: flow runs that the next sync has to look at, failed ones first, then by start.
        losses: of all flow runs.
    """

    ledger: str
    flows: tuple[FlowStanding, ...]
    open: tuple[Entry, ...]
    losses: tuple[Loss, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        return {
            "version": 1,
            "command": "status",
            "ledger": self.ledger,
            "flows": [_flow(one) for one in self.flows],
            "open": [_open(one) for one in self.open],
        }


def sum_up(ledger: str, known: Iterable[Known], losses: Iterable[Loss]) -> Standings:
    """Return how it all stands."""
    known = list(known)
    groups: dict[tuple[str, Destination], list[Known]] = {}
    for one in known:
        groups.setdefault((one.flow, one.entry.destination), []).append(one)
    rows = [_counted(*key, members) for key, members in groups.items()]
    return Standings(
        ledger=ledger,
        flows=tuple(sorted(rows, key=_by_flow)),
        open=tuple(
            sorted((one.entry for one in known if one.entry.standing.is_open), key=_urgency)
        ),
        losses=tuple(losses),
    )


def _counted(flow: str, destination: Destination, known: Sequence[Known]) -> FlowStanding:
    number = Counter(one.entry.standing for one in known)
    done = [one.entry.at for one in known if one.entry.standing is SyncState.SYNCED]
    return FlowStanding(
        flow,
        destination,
        synced=number[SyncState.SYNCED],
        pending=sum(
            number[one] for one in SyncState if one.is_open and one is not SyncState.FAILED
        ),
        failed=number[SyncState.FAILED],
        left_out=number[SyncState.LEFT_OUT],
        lost=sum(one.lost for one in known),
        newest=max(done, default=""),
    )


def _by_flow(row: FlowStanding) -> tuple[str, ...]:
    where = row.destination
    return row.flow, where.entity or "", where.project, where.mode, where.base


def _urgency(entry: Entry) -> tuple[bool, int, str]:
    return entry.standing is not SyncState.FAILED, entry.started_at, entry.flow_run


def _flow(row: FlowStanding) -> dict[str, Any]:
    return {
        "flow": row.flow,
        **_where(row.destination),
        "synced": row.synced,
        "pending": row.pending,
        "failed": row.failed,
        "left_out": row.left_out,
        "lost": row.lost,
        "newest": row.newest or None,
    }


def _open(entry: Entry) -> dict[str, Any]:
    return {
        "pathspec": entry.flow_run,
        "standing": entry.standing.value,
        "reason": entry.reason,
        "since": entry.at,
        "started_at": entry.started_at,
        "state": entry.state,
        "provider": entry.provider,
        **_where(entry.destination),
    }


def _where(destination: Destination) -> dict[str, Any]:
    return {
        "entity": destination.entity,
        "project": destination.project,
        "mode": destination.mode,
        "base": destination.base,
    }
