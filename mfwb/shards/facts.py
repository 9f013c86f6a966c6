"""The facts of selected flow runs: each is read once, so that its shard is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.pipeline import Parts
from mfwb.pipeline.draft import STILL_RUNNING, Draft, draft
from mfwb.pipeline.log_order import logged_artifacts
from mfwb.pipeline.look_ahead import look_ahead_in_ledger
from mfwb.pipeline.request_costs import REQUESTS_OF_FLOW_RUN, requests_of
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.pipeline.sync_history import SyncHistory
from mfwb.planning import Plan
from mfwb.shards.model import FlowRunFacts

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The flow runs of a backfill.

    Attributes:
        flow_runs: those that are to be synced, or are synced already.
        skipped: the reason for each of the others.
        notes: why nothing was selected, if that is so.
    """

    flow_runs: list[FlowRunFacts] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose(selection: Selection, settings: Settings, parts: Parts) -> Chosen:
    """Return the selected flow runs; what the ledger shows to be synced is not read.

    One that can't be read is among them: its shard fails with it, and with no other one.
    """
    history = SyncHistory(selection, settings, parts)
    chosen = Chosen()
    selected = history.remove_excluded(
        select_flow_runs(selection, parts.source, history.find_open_flow_runs, chosen.notes)
    )
    parts.progress.selected(len(selected))
    for position, flow_run in enumerate(look_ahead_in_ledger(selected, history)):
        parts.progress.flow_run(str(flow_run.pathspec), position, len(selected))
        facts = _facts_or_reason(flow_run, settings, parts, history)
        if isinstance(facts, str):
            chosen.skipped[str(flow_run.pathspec)] = facts
        else:
            chosen.flow_runs.append(facts)
    return chosen


def _facts_or_reason(
    selected: SelectedFlowRun, settings: Settings, parts: Parts, history: SyncHistory
) -> FlowRunFacts | str:
    """Return the facts of a flow run, or why it is skipped."""
    pathspec = selected.pathspec
    started_at = selected.listed.started_at if selected.listed else 0
    unread = FlowRunFacts(str(pathspec), pathspec.flow, started_at)
    try:
        if history.find_outcome(selected) is not None:
            return replace(unread, is_synced=True)
        drafted = draft(selected, settings, parts)
    except Exception as error:
        if ends_the_call(error):
            raise
        return unread
    if drafted.plan is None:
        return STILL_RUNNING
    return history.exclusion_reason(drafted) or _facts_of(drafted, drafted.plan)


def _facts_of(drafted: Draft, plan: Plan) -> FlowRunFacts:
    logged = list(logged_artifacts(plan))
    ruled = {rule.artifact for run in plan.runs for rule in run.artifact_rules}
    return FlowRunFacts(
        plan.flow_run,
        drafted.flow_run.flow,
        plan.source.created_at,
        wandb_runs=len(plan.runs),
        requests=REQUESTS_OF_FLOW_RUN + sum(requests_of(run, None) for run in plan.runs),
        # A hash takes less memory. Two that are equal by chance make one more rule, no fewer.
        contents=frozenset(hash(artifact.content) for artifact in logged),
        names=frozenset((hash(artifact.name), artifact.type) for artifact in logged),
        ruled=frozenset(hash(artifact.name) for artifact in logged if artifact.name[1] in ruled),
        others=drafted.others,
    )
