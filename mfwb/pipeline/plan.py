"""Saying what a sync would do."""

from __future__ import annotations

from mfwb.config import Settings
from mfwb.item_counts import as_planned
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.draft import draft, notes_on, outcome_of, still_running
from mfwb.pipeline.failures import failed
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.selection import Chosen, Selection, choose
from mfwb.pipeline.sync_history import Memory, is_done

__all__ = ["plan_flow_runs"]


def plan_flow_runs(selection: Selection, settings: Settings, parts: Parts) -> Result:
    """Return what `sync_flow_runs` would do, as far as can be told without asking W&B."""
    memory = Memory(selection, settings, parts)
    chosen = memory.without_left_out(choose(selection, parts.source, memory.open_ones))
    outcomes = []
    for position, one in enumerate(chosen):
        try:
            parts.progress.flow_run(str(one.pathspec), position, len(chosen))
            outcomes.append(_planned(one, settings, parts, memory))
        except BaseException as error:  # noqa: BLE001, PERF203 - each for itself; see `failed`
            outcomes.append(failed(str(one.pathspec), error, parts.bugs))
    return Result("plan", tuple(outcomes), notes=notes_on(selection, outcomes))


def _planned(one: Chosen, settings: Settings, parts: Parts, memory: Memory) -> FlowRunOutcome:
    if (known := memory.recall(one)) is not None:
        return known
    drafted = draft(one, settings, parts)
    plan = drafted.plan
    if plan is None:
        return still_running(drafted)
    if reason := memory.left_out(drafted):
        return FlowRunOutcome(plan.flow_run, Status.SKIPPED, reason=reason)
    before = memory.before(drafted)
    done = before is not None and is_done(before, plan) and not settings.force
    return outcome_of(
        Status.UNCHANGED if done else Status.PLANNED,
        plan,
        drafted.destination,
        tuple(as_planned(run) for run in plan.runs),
    )
