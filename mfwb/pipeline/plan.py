"""Saying what a sync would do."""

from __future__ import annotations

from mfwb.accounting import as_planned
from mfwb.choosing import Asked, Chosen, choose
from mfwb.config import Settings
from mfwb.errors import SkipFlowRun
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.drafting import draft, outcome_of, still_running
from mfwb.pipeline.memory import Memory, is_done
from mfwb.pipeline.parts import Parts

__all__ = ["plan_flow_runs"]


def plan_flow_runs(asked: Asked, settings: Settings, parts: Parts) -> Result:
    """Return what `sync_flow_runs` would do, as far as can be told without asking W&B."""
    memory = Memory(asked, settings, parts, ask=False)
    chosen = choose(asked, parts.source, memory.open_ones)
    chosen = [one for one in chosen if not memory.leaves_out(one)]
    outcomes = []
    for position, one in enumerate(chosen):
        parts.progress.flow_run(str(one.pathspec), position, len(chosen))
        outcomes.append(memory.recall(one) or _planned(one, settings, parts, memory))
    return Result("plan", tuple(outcomes))


def _planned(one: Chosen, settings: Settings, parts: Parts, memory: Memory) -> FlowRunOutcome:
    try:
        drafted = draft(one.pathspec, settings, parts, ask=False)
    except SkipFlowRun as error:
        return FlowRunOutcome(str(one.pathspec), Status.FAILED, reason=str(error))
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
