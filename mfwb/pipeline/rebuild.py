"""A ledger that was lost, made anew of what W&B has."""

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
    """How many flow runs were found at a destination."""

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
    """Make the ledger anew of what W&B has of some flows; return what each project has.

    Args:
        flows: their names; none: the project that the settings name.
        settings: of this call.
        open_parts: opens the outside, the ledger included, which has to be sound then.
        put_aside: renames a ledger that is damaged, and returns what it is called now.
        moved: told that, as soon as it is so.

    Raises:
        LockHeld: if a sync is at work there.
        SinkError, Unreachable: if W&B does not say what it has.
    """
    aside = put_aside()
    if aside and moved:
        moved(aside)
    with open_parts() as parts:
        sink, ledger = parts.sink, parts.ledger
        destinations = dict.fromkeys(sink.destination(flow) for flow in flows or [""])
        with ledger.lock(destinations, wait=settings.wait):
            return tuple(rebuild_ledger(ledger, sink, one) for one in destinations)


def rebuild_ledger(ledger: Ledger, sink: Sink, destination: Destination) -> Rebuilt:
    """Write an entry for each flow run that W&B has from mfwb at a destination.

    Nothing is known of the plans that were carried out, so the next sync compares with W&B.

    Raises:
        SinkError, Unreachable: if W&B does not say what it has.
    """
    entries = [_entry(found, destination) for found in sink.read_back(destination)]
    for one in entries:
        ledger.write(one)
    return Rebuilt(
        destination, _count(entries, SyncState.SYNCED), _count(entries, SyncState.INCOMPLETE)
    )


def _count(entries: Iterable[Entry], standing: SyncState) -> int:
    return sum(one.standing is standing for one in entries)


def _entry(found: ExistingFlowRun, destination: Destination) -> Entry:
    runs = found.wandb_runs
    lacking = [run.name for run in runs if not run.complete]
    is_whole = bool(runs) and not lacking
    outcome = FlowRunOutcome(
        found.flow_run,
        Status.SYNCED,
        group=found.group,
        project=destination.project,
        entity=destination.entity,
        mode=destination.mode,
        wandb_runs=runs,
    )
    return Entry(
        flow_run=found.flow_run,
        provider=found.provider,
        destination=destination,
        standing=SyncState.SYNCED if is_whole else SyncState.INCOMPLETE,
        started_at=found.started_at,
        reason=""
        if is_whole
        else f"{len(lacking):,} of its {len(runs):,} W&B runs are not complete",
        outcome=outcome,
    )
