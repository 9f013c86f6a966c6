"""Sync status: numbers of flow runs in a ledger by their sync state, and the open ones. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from typing_extensions import TypedDict

from mfwb.notebook_display import ShownInNotebooks
from mfwb.ports import Destination, Entry, SyncState
from mfwb.snapshot import Loss
from mfwb.snapshot.pathspec import flow_of

__all__ = [
    "DestinationDocument",
    "FlowSyncStatus",
    "KnownFlowRun",
    "LostItem",
    "StateCount",
    "StatusDocument",
    "SyncStatus",
    "add_up",
    "by_urgency",
]


class DestinationDocument(TypedDict):
    """Where W&B runs go.

    Attributes:
        entity: the entity in W&B; null: your default one.
        project: the project in W&B.
        mode: online or offline.
        base: the URL of the server, or the folder of the bundle.
    """

    entity: str | None
    project: str
    mode: str
    base: str


class FlowDocument(DestinationDocument):
    """Numbers of a flow's runs at one destination.

    Attributes:
        flow: name of the flow.
        synced: flow runs that are complete.
        pending: flow runs that the next sync checks.
        failed: flow runs that could not be synced; the next sync tries again.
        left_out: flow runs that were not selected.
        lost: items of all these flow runs that did not reach W&B.
        newest: time of the last sync, ISO 8601 in UTC; null: there was none.
    """

    flow: str
    synced: int
    pending: int
    failed: int
    left_out: int
    lost: int
    newest: str | None


class OpenDocument(DestinationDocument):
    """A flow run that the next sync checks.

    Attributes:
        pathspec: of the flow run.
        standing: its sync state: begun, running, failed or incomplete.
        reason: why it is not synced; may be empty.
        since: time of the last sync of it, ISO 8601 in UTC.
        started_at: when the flow run started, in epoch ms; 0: not known.
        state: its state in Metaflow at that time; empty: not read yet.
        provider: the metadata provider that it was read from; empty: not known.
    """

    pathspec: str
    standing: str
    reason: str
    since: str
    started_at: int
    state: str
    provider: str


class FlowRunDocument(OpenDocument):
    """A flow run that mfwb has seen.

    Attributes:
        standing: its sync state: begun, running, failed, incomplete, synced or left out.
        lost: number of its items that did not reach W&B.
    """

    lost: int


class LossDocument(DestinationDocument):
    """An item of a flow run that did not reach W&B.

    Attributes:
        pathspec: of the flow run.
        item: name of the item.
        reason: the reason.
    """

    pathspec: str
    item: str
    reason: str


class StatusDocument(TypedDict):
    """What `mfwb status` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: status.
        ledger: path of the ledger's file.
        flows: numbers of flow runs, for each flow and destination.
        flow_runs: the flow runs: failed ones first, then open ones, then those that were synced
            last. `--failed`, `--losses` and `--limit` have an effect on this list alone.
        more: number of flow runs that `--limit` excludes from the list.
        open: flow runs that the next sync checks, failed ones first, then by start.
        losses: the losses of all flow runs, sorted by flow run.
    """

    version: Literal[1]
    command: str
    ledger: str
    flows: list[FlowDocument]
    flow_runs: list[FlowRunDocument]
    more: int
    open: list[OpenDocument]
    losses: list[LossDocument]


@dataclass(frozen=True, slots=True)
class KnownFlowRun:
    """A flow run of the ledger: its entry without the outcome, and the outcome's losses."""

    entry: Entry
    lost: int

    @property
    def flow(self) -> str:
        """The name of the flow."""
        return flow_of(self.entry.flow_run)

    def to_dict(self) -> FlowRunDocument:
        """Return what `--json` prints for it."""
        return {**_open(self.entry), "lost": self.lost}


@dataclass(frozen=True, slots=True)
class LostItem:
    """A loss of a flow run, as the last sync found it."""

    flow_run: str
    destination: Destination
    loss: Loss


@dataclass(frozen=True, slots=True)
class StateCount:
    """Numbers of a flow's runs that have one sync state at one destination.

    Attributes:
        flow: name of the flow.
        destination: where its runs go.
        sync_state: their sync state.
        number: number of flow runs.
        lost: number of their items that did not reach W&B.
        newest: time of the last sync of any, ISO 8601 in UTC.
    """

    flow: str
    destination: Destination
    sync_state: SyncState
    number: int
    lost: int
    newest: str


@dataclass(frozen=True, slots=True)
class FlowSyncStatus:
    """The numbers of a flow's runs by sync state, at one destination.

    Attributes:
        flow: name of the flow.
        destination: where its runs go.
        synced: flow runs that are complete.
        pending: flow runs that the next sync checks.
        failed: flow runs that could not be synced; the next sync tries again.
        left_out: flow runs that were not selected.
        lost: items of all these flow runs that did not reach W&B.
        newest: time of the last sync, ISO 8601 in UTC; empty: there was none.
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
class SyncStatus(ShownInNotebooks):
    """What `mfwb status` shows.

    Attributes:
        ledger: path of the ledger's file.
        flows: one for each flow and destination.
        open: flow runs that the next sync checks, failed ones first, then by start.
        lost: losses of all flow runs, sorted by flow run.
        flow_runs: the flow runs that are listed: failed ones first, then open ones, then those
            that were synced last.
        more: number of flow runs that a limit excludes from the list.
        has_others: whether the ledger has flow runs, though none was selected.
    """

    ledger: str
    flows: tuple[FlowSyncStatus, ...]
    open: tuple[Entry, ...]
    lost: tuple[LostItem, ...]
    flow_runs: tuple[KnownFlowRun, ...] = ()
    more: int = 0
    has_others: bool = False

    def __repr__(self) -> str:
        """Return `<mfwb status: 3 synced, 1 failed, 2 losses>`: one line."""
        numbers = (
            (sum(row.synced for row in self.flows), "synced"),
            (sum(row.pending for row in self.flows), "pending"),
            (sum(row.failed for row in self.flows), "failed"),
            (sum(row.left_out for row in self.flows), "left out"),
            (sum(row.lost for row in self.flows), "lost items"),
        )
        text = ", ".join(f"{number:,} {name}" for number, name in numbers if number)
        return f"<mfwb status: {text or 'no flow runs'}>"

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of all flow runs, without these."""
        return tuple(item.loss for item in self.lost)

    def to_dict(self) -> StatusDocument:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        listed = [flow_run.to_dict() for flow_run in self.flow_runs]
        return {**self.without_flow_runs(), "flow_runs": listed}

    def without_flow_runs(self) -> StatusDocument:
        """Return that document without the list of flow runs, which may be long."""
        return {
            "version": 1,
            "command": "status",
            "ledger": self.ledger,
            "flows": [_flow(row) for row in self.flows],
            "flow_runs": [],
            "more": self.more,
            "open": [_open(entry) for entry in self.open],
            "losses": [_lost(item) for item in self.lost],
        }


def add_up(counts: Iterable[StateCount]) -> tuple[FlowSyncStatus, ...]:
    """Return the numbers of each flow at each destination, sorted by flow."""
    groups: dict[tuple[str, Destination], list[StateCount]] = {}
    for count in counts:
        groups.setdefault((count.flow, count.destination), []).append(count)
    rows = [_add_up(*key, members) for key, members in groups.items()]
    return tuple(sorted(rows, key=_by_flow))


def by_urgency(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return open flow runs: failed ones first, then by start."""
    return tuple(sorted(entries, key=_urgency))


def _add_up(flow: str, destination: Destination, counts: Sequence[StateCount]) -> FlowSyncStatus:
    numbers: Counter[SyncState] = Counter()
    for count in counts:
        numbers[count.sync_state] += count.number
    synced_at = [count.newest for count in counts if count.sync_state is SyncState.SYNCED]
    return FlowSyncStatus(
        flow,
        destination,
        synced=numbers[SyncState.SYNCED],
        pending=sum(
            numbers[state] for state in SyncState if state.is_open and state is not SyncState.FAILED
        ),
        failed=numbers[SyncState.FAILED],
        left_out=numbers[SyncState.LEFT_OUT],
        lost=sum(count.lost for count in counts),
        newest=max(synced_at, default=""),
    )


def _by_flow(row: FlowSyncStatus) -> tuple[str, ...]:
    target = row.destination
    return row.flow, target.entity or "", target.project, target.mode, target.base


def _urgency(entry: Entry) -> tuple[bool, int, str]:
    return entry.sync_state is not SyncState.FAILED, entry.started_at, entry.flow_run


def _flow(row: FlowSyncStatus) -> FlowDocument:
    return {
        "flow": row.flow,
        **_destination(row.destination),
        "synced": row.synced,
        "pending": row.pending,
        "failed": row.failed,
        "left_out": row.left_out,
        "lost": row.lost,
        "newest": row.newest or None,
    }


def _open(entry: Entry) -> OpenDocument:
    return {
        "pathspec": entry.flow_run,
        "standing": entry.sync_state.value,
        "reason": entry.reason,
        "since": entry.at,
        "started_at": entry.started_at,
        "state": entry.state,
        "provider": entry.provider,
        **_destination(entry.destination),
    }


def _lost(item: LostItem) -> LossDocument:
    return {
        "pathspec": item.flow_run,
        "item": item.loss.item,
        "reason": item.loss.reason,
        **_destination(item.destination),
    }


def _destination(destination: Destination) -> DestinationDocument:
    return {
        "entity": destination.entity,
        "project": destination.project,
        "mode": destination.mode,
        "base": destination.base,
    }
