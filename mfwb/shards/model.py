"""Values of a backfill: what is known of its flow runs, and its shards."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FIRST", "LAST", "FlowRunFacts", "Shard", "ShardPlan"]

FIRST, LAST = "first", "last"
"""The names of the shards that are synced before all others, and after them."""


@dataclass(frozen=True, slots=True)
class FlowRunFacts:
    """What decides about the shard of a flow run.

    Attributes:
        pathspec: as in `Flow/123`.
        flow: its flow.
        started_at: epoch ms.
        wandb_runs: how many are to be written.
        requests: about how many requests to W&B that takes.
        contents: what identifies the content of each artifact that it logs.
        names: the project, name and type of each artifact that it logs.
        ruled: those of them that the settings give aliases or links to.
        others: the flow runs that it refers to: it uses their artifacts, or was resumed from them.
        is_synced: the ledger shows that nothing of it is to be written; nothing else is known then.
    """

    pathspec: str
    flow: str
    started_at: int = 0
    wandb_runs: int = 0
    requests: int = 0
    contents: frozenset[Hashable] = frozenset()
    names: frozenset[tuple[Hashable, str]] = frozenset()
    ruled: frozenset[Hashable] = frozenset()
    others: frozenset[str] = frozenset()
    is_synced: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """Flow runs that one process syncs, in the order of their start. The field names are stored.

    Attributes:
        name: `first`, a number, or `last`.
        flow_runs: their pathspecs.
        wandb_runs: how many are to be written.
        requests: about how many requests to W&B that takes.
        since: the start of its oldest flow run, in epoch ms.
        until: the start of its newest flow run, in epoch ms.
    """

    name: str
    flow_runs: tuple[str, ...]
    wandb_runs: int = 0
    requests: int = 0
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """The choice of a backfill, frozen. The field names are stored.

    Attributes:
        mfwb: the version that made it.
        provider: the metadata provider of all flow runs.
        created_at: epoch ms.
        request: what the user asked for, to be compared when it is read again.
        failed: whether only failed flow runs are synced (True), or only others (False).
        shards: in their order.
        skipped: the reason for each selected flow run that is in no shard.
        notes: remarks about the choice.
    """

    mfwb: str
    provider: str
    created_at: int
    request: dict[str, Any]
    failed: bool | None
    shards: tuple[Shard, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def flow_runs(self) -> tuple[str, ...]:
        """The flow runs of all shards."""
        return tuple(name for shard in self.shards for name in shard.flow_runs)

    def stages(self) -> list[list[Shard]]:
        """Return the shards that may be synced at once, stage after stage."""
        parts: dict[str, list[Shard]] = {FIRST: [], "": [], LAST: []}
        for shard in self.shards:
            parts[shard.name if shard.name in parts else ""].append(shard)
        return [stage for stage in parts.values() if stage]
