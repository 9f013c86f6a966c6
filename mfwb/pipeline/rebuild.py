"""Rebuild a lost ledger from W&B."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mfwb.config import Settings
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.pipeline.parts import Parts
from mfwb.ports import Destination, Entry, ExistingFlowRun, Ledger, Sink, SyncState

__all__ = ["Rebuilt", "rebuild_ledger", "rebuild_ledgers"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The number of flow runs that W&B has at a destination."""

    destination: Destination
    synced: int = 0
    incomplete: int = 0


def rebuild_ledgers(
    flows: Sequence[str],
    settings: Settings,
    open_parts: Callable[[], AbstractContextManager[Parts]],
    *,
    put_aside: Callable[[], Path | None],
    moved: Callable[[Path], object] | None,
) -> tuple[Rebuilt, ...]:
    """Rebuild the ledger from W&B for some flows; return the numbers for each project.

    Args:
        flows: names of flows; empty: the project of the settings.
        settings: the settings of this call.
        open_parts: opens all parts, including the ledger, which must be sound by then.
        put_aside: renames a damaged ledger, and returns its new path.
        moved: called with that path, as soon as the ledger is renamed.

    Raises:
        LockHeld: if a sync is running there.
        SinkError, Unreachable: if W&B does not answer the query.
    """
    aside = put_aside()
    if aside and moved:
        moved(aside)
    with open_parts() as parts:
        sink, ledger = parts.sink, parts.ledger
        destinations = dict.fromkeys(sink.destination(flow) for flow in flows or [""])
        with ledger.lock(destinations, wait=settings.wait):
            return tuple(rebuild_ledger(ledger, sink, target) for target in destinations)


def rebuild_ledger(ledger: Ledger, sink: Sink, destination: Destination) -> Rebuilt:
    """Write a ledger entry for each flow run that mfwb wrote to W&B at a destination.

    The plans that were carried out are not known, so the next sync compares with W&B.

    Raises:
        SinkError, Unreachable: if W&B does not answer the query.
    """
    entries = [_entry(flow_run, destination) for flow_run in sink.list_flow_runs(destination)]
    for entry in entries:
        ledger.write(entry)
    return Rebuilt(
        destination, _count(entries, SyncState.SYNCED), _count(entries, SyncState.INCOMPLETE)
    )


def _count(entries: Iterable[Entry], sync_state: SyncState) -> int:
    return sum(entry.sync_state is sync_state for entry in entries)


def _entry(flow_run: ExistingFlowRun, destination: Destination) -> Entry:
    runs = flow_run.wandb_runs
    incomplete = [run.name for run in runs if not run.complete]
    is_whole = bool(runs) and not incomplete
    outcome = FlowRunOutcome(
        flow_run.flow_run,
        Status.SYNCED,
        group=flow_run.group,
        project=destination.project,
        entity=destination.entity,
        mode=destination.mode,
        wandb_runs=runs,
    )
    return Entry(
        flow_run=flow_run.flow_run,
        provider=flow_run.provider,
        destination=destination,
        sync_state=SyncState.SYNCED if is_whole else SyncState.INCOMPLETE,
        started_at=flow_run.started_at,
        reason=""
        if is_whole
        else f"{len(incomplete):,} of its {len(runs):,} W&B runs are not complete",
        outcome=outcome,
    )
