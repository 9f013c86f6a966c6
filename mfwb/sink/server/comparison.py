"""Comparison of a plan with the W&B runs that exist: what a sync would find, without a change."""

from __future__ import annotations

from collections.abc import Collection

from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ExistingWandbRun
from mfwb.sink.content.edits import EditRule, list_changes, merge_metadata
from mfwb.sink.content.run_metadata import planned_run_metadata, read_run_metadata
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.ownership import raise_if_foreign
from mfwb.sink.server.run_generations import digest_of_id

__all__ = ["compare_runs"]


def compare_runs(
    plan: Plan,
    existing_runs: ExistingRuns,
    written: Collection[str],
    *,
    writer: str,
    rule: EditRule,
) -> dict[str, ExistingWandbRun]:
    """Return the planned W&B runs that exist or were deleted, by planned id; NotOurs.

    Args:
        plan: of a flow run.
        existing_runs: its W&B runs, fetched.
        written: ids of W&B runs that existed once; those that are gone were deleted.
        writer: the id of the ledger.
        rule: how edits of other people are treated.
    """
    written_digests = {digest_of_id(run_id) for run_id in written}
    compared: dict[str, ExistingWandbRun] = {}
    for run in plan.runs:
        existing = existing_runs.get(run.id)
        raise_if_foreign(existing, run, plan.source)
        if existing is not None:
            compared[run.id] = _compare(plan, run, existing, writer, rule)
        elif digest_of_id(run.id) in written_digests:
            compared[run.id] = ExistingWandbRun(run.id, deleted=True)
    return compared


def _compare(
    plan: Plan, run: PlannedRun, existing: ExistingRun, writer: str, rule: EditRule
) -> ExistingWandbRun:
    current = read_run_metadata(existing.handle)
    merged = merge_metadata(planned_run_metadata(plan, run, writer), current, rule)
    receipt = existing.receipt
    return ExistingWandbRun(
        id=existing.id,
        url=existing.url,
        fingerprint=existing.complete or "",
        uses=None if receipt is None else receipt.uses,
        outputs=None if receipt is None else receipt.outputs,
        losses=() if receipt is None else receipt.losses,
        changes=list_changes(current, merged.run_metadata),
        edits_kept=merged.kept,
        edits_undone=merged.undone,
        is_open=existing.is_open,
    )
