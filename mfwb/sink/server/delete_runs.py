"""Deletes W&B runs that mfwb wrote, when a user asks for it; never one that somebody else wrote."""

from __future__ import annotations

from collections.abc import Collection

from mfwb.errors import SinkError
from mfwb.ports import OwnRun
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["delete_run", "find_own_runs"]


def find_own_runs(
    existing_runs: ExistingRuns, source: FlowRunId, group: str, wandb_runs: Collection[str]
) -> tuple[list[OwnRun], int]:
    """Return the W&B runs that were written from a flow run, and how many of others are in a group.

    Args:
        existing_runs: of the project.
        source: the flow run.
        group: the group of its W&B runs.
        wandb_runs: ids of some that may have left the group.

    Raises:
        SinkError: W&B does not list them.
    """
    members = {existing.id: existing for existing in existing_runs.list_groups([group])}
    others_ids = [run_id for run_id in wandb_runs if run_id not in members]
    moved = {existing.id: existing for existing in existing_runs.list_by_id(others_ids)}
    own = [run for run in (members | moved).values() if _is_own(run, source)]
    own_ids = {run.id for run in own}
    others = sum(run_id not in own_ids for run_id in members)
    return sorted((_own_run(run) for run in own), key=lambda run: run.name), others


def _is_own(existing: ExistingRun, source: FlowRunId) -> bool:
    """Return whether mfwb wrote it from this flow run: its own mark, and nothing else, shows it."""
    named = FlowRunId.from_config(existing.source)
    if named is None or not existing.writer:
        return False
    if source.created_at == 0:  # the ledger does not know the start, as in an old one
        return (named.flow_run, named.provider) == (source.flow_run, source.provider)
    return source.is_of(existing.source)


def _own_run(existing: ExistingRun) -> OwnRun:
    return OwnRun(existing.id, existing.name, existing.writer, existing.is_open)


def delete_run(existing_runs: ExistingRuns, run: OwnRun) -> None:
    """Delete a W&B run; its artifacts stay. SinkError if it still exists afterwards."""
    existing = next(existing_runs.list_by_id([run.id]), None)
    if existing is None:
        return
    try:
        existing_runs.call_with_run(existing, lambda handle: handle.delete(), f"delete {run.name}")
    except SinkError:
        if next(existing_runs.list_by_id([run.id]), None):  # else the request had arrived
            raise
