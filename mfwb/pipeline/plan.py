"""Plan what a sync would do, without writing anything."""

from __future__ import annotations

from mfwb.account_balance import with_account
from mfwb.config import Settings
from mfwb.item_counts import as_planned
from mfwb.outcome import FlowRunOutcome, Result, RuleOutcome, Status
from mfwb.pipeline.draft import Draft, draft, make_outcome, notes_on, still_running_outcome
from mfwb.pipeline.failures import failed_outcome
from mfwb.pipeline.group_pages import with_group_pages
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.pipeline.sync_history import SyncHistory, is_done
from mfwb.pipeline.unmatched import TableUse
from mfwb.planning import PlannedRun

__all__ = ["plan_flow_runs"]


def plan_flow_runs(selection: Selection, settings: Settings, parts: Parts) -> Result:
    """Return what `sync_flow_runs` would do, as far as this is known without querying W&B."""
    history = SyncHistory(selection, settings, parts)
    notes: list[str] = []
    selected = history.remove_excluded(
        select_flow_runs(selection, parts.source, history.find_open_flow_runs, notes)
    )
    tables = TableUse(settings)
    outcomes = []
    parts.progress.selected(len(selected))
    for position, flow_run in enumerate(selected):
        try:
            parts.progress.flow_run(str(flow_run.pathspec), position, len(selected))
            outcomes.append(_planned(flow_run, settings, parts, history, tables))
        except BaseException as error:  # noqa: BLE001 - one error concerns one flow run; see `failed_outcome`
            outcomes.append(failed_outcome(str(flow_run.pathspec), error, parts.bugs))
        parts.progress.finished(outcomes[-1])
    flows = {flow_run.pathspec.flow for flow_run in selected}
    notes += [*notes_on(selection, outcomes), *tables.notes(flows, parts.source.flows)]
    return Result("plan", with_group_pages(outcomes), notes=tuple(notes))


def _planned(
    flow_run: SelectedFlowRun,
    settings: Settings,
    parts: Parts,
    history: SyncHistory,
    tables: TableUse,
) -> FlowRunOutcome:
    if (known := history.find_outcome(flow_run)) is not None:
        return known
    drafted = draft(flow_run, settings, parts)
    tables.add(drafted.flow_run)
    plan = drafted.plan
    if plan is None:
        return still_running_outcome(drafted)
    if reason := history.exclusion_reason(drafted):
        return FlowRunOutcome(plan.flow_run, Status.SKIPPED, reason=reason)
    before = history.previous_entry(drafted)
    done = before is not None and is_done(before, plan) and not settings.force
    if done and before is not None and before.outcome is not None:
        return before.outcome.as_unchanged()
    status = Status.UNCHANGED if done else Status.PLANNED
    runs = tuple(as_planned(run, _rules_for(run, drafted, parts)) for run in plan.runs)
    outcome = make_outcome(status, plan, drafted.destination, runs)
    return with_account(outcome, drafted.flow_run, plan)


def _rules_for(run: PlannedRun, drafted: Draft, parts: Parts) -> dict[str, RuleOutcome]:
    """Return what the settings' rules give to the artifacts of a W&B run, by name."""
    applied = parts.payloads.apply_rules(run, drafted.contents)
    return {name: rule.outcome for name, rule in applied.items()}
