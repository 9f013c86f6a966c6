"""The flow runs that `mfwb ls` lists, each with its state and its syncs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typing_extensions import TypedDict

from mfwb.ports import Entry
from mfwb.sync_status import DestinationDocument

__all__ = ["FlowInList", "FlowRunInList", "FlowRunList", "FlowRunListDocument", "Sync"]

_USER = "user:"


class SyncDocument(DestinationDocument):
    """A sync of a flow run to one destination, as the ledger has it.

    Attributes:
        standing: how far it has come: begun, running, failed, incomplete, synced, left out.
        reason: why it is not synced; empty: it is.
        losses: number of items that did not reach W&B.
        since: when that was written, ISO 8601 in UTC.
    """

    standing: str
    reason: str
    losses: int
    since: str


class FlowRunInListDocument(TypedDict):
    """A flow run.

    Attributes:
        pathspec: of the flow run.
        state: its state in Metaflow: running, finished, failed, abandoned; null: it can't be read.
        reason: why it can't be read; null: it can.
        started_at: milliseconds since 1970; 0: not known.
        user: who started it; null: not known.
        tags: the user's.
        system_tags: Metaflow's own.
        syncs: one for each destination; empty: the ledger has none.
    """

    pathspec: str
    state: str | None
    reason: str | None
    started_at: int
    user: str | None
    tags: list[str]
    system_tags: list[str]
    syncs: list[SyncDocument]


class FlowInListDocument(TypedDict):
    """A flow.

    Attributes:
        flow: its name.
        runs: number of its runs.
        newest: pathspec of the newest one; null: there is none.
        started_at: when that one started, in milliseconds since 1970.
        synced: how many of its runs are synced somewhere.
        reason: why its runs can't be listed; null: they can.
    """

    flow: str
    runs: int
    newest: str | None
    started_at: int
    synced: int
    reason: str | None


class FlowRunListDocument(TypedDict):
    """What `mfwb ls` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: ls.
        provider: the metadata provider that was asked.
        flows: all flows, if no flow run was selected.
        flow_runs: the selected flow runs, newest first.
        more: how many more match.
        unseen: how many flow runs were not looked at, though their state might match.
    """

    version: Literal[1]
    command: str
    provider: str
    flows: list[FlowInListDocument]
    flow_runs: list[FlowRunInListDocument]
    more: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync of a flow run to one destination, as the ledger has it.

    Attributes:
        entry: of the ledger, without its outcome.
        lost: the number of items that were lost.
    """

    entry: Entry
    lost: int

    def to_dict(self) -> SyncDocument:
        """Return what `--json` prints."""
        destination = self.entry.destination
        return {
            "standing": self.entry.sync_state.value,
            "reason": self.entry.reason,
            "losses": self.lost,
            "since": self.entry.at,
            "entity": destination.entity,
            "project": destination.project,
            "mode": destination.mode,
            "base": destination.base,
        }


@dataclass(frozen=True, slots=True)
class FlowRunInList:
    """One flow run.

    Attributes:
        pathspec: of the flow run.
        state: its state in Metaflow, as in "finished"; empty: it can't be read.
        started_at: epoch ms; 0: not known.
        tags: the user's.
        system_tags: Metaflow's own.
        syncs: one for each destination.
        reason: why it can't be read.
    """

    pathspec: str
    state: str
    started_at: int
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    syncs: tuple[Sync, ...] = ()
    reason: str = ""

    @property
    def user(self) -> str:
        """Who started it; empty: not known."""
        users = (tag.removeprefix(_USER) for tag in self.system_tags if tag.startswith(_USER))
        return next(users, "")

    def to_dict(self) -> FlowRunInListDocument:
        """Return what `--json` prints."""
        return {
            "pathspec": self.pathspec,
            "state": self.state or None,
            "reason": self.reason or None,
            "started_at": self.started_at,
            "user": self.user or None,
            "tags": list(self.tags),
            "system_tags": list(self.system_tags),
            "syncs": [sync.to_dict() for sync in self.syncs],
        }


@dataclass(frozen=True, slots=True)
class FlowInList:
    """One flow.

    Attributes:
        flow: its name.
        runs: the number of its runs that match.
        newest: the pathspec of the newest one; empty: there is none.
        started_at: when that one started, in epoch ms.
        synced: how many of its runs are synced somewhere.
        reason: why its runs can't be listed.
    """

    flow: str
    runs: int = 0
    newest: str = ""
    started_at: int = 0
    synced: int = 0
    reason: str = ""

    def to_dict(self) -> FlowInListDocument:
        """Return what `--json` prints."""
        return {
            "flow": self.flow,
            "runs": self.runs,
            "newest": self.newest or None,
            "started_at": self.started_at,
            "synced": self.synced,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class FlowRunList:
    """What `mfwb ls` shows: flows, or flow runs.

    Attributes:
        provider: the metadata provider that was asked.
        flows: all flows, if no flow run was selected.
        flow_runs: the selected flow runs, newest first.
        more: how many more match.
        unseen: how many flow runs were not looked at, though their state might match.
    """

    provider: str
    flows: tuple[FlowInList, ...] = ()
    flow_runs: tuple[FlowRunInList, ...] = ()
    more: int = 0
    unseen: int = 0

    def to_dict(self) -> FlowRunListDocument:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        return {
            "version": 1,
            "command": "ls",
            "provider": self.provider,
            "flows": [flow.to_dict() for flow in self.flows],
            "flow_runs": [flow_run.to_dict() for flow_run in self.flow_runs],
            "more": self.more,
            "unseen": self.unseen,
        }
