"""Plan what a sync would do, without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

from mfwb.account_balance import with_account
from mfwb.config import Settings
from mfwb.decisive_settings import compare_settings, describe_settings
from mfwb.errors import SinkError
from mfwb.item_counts import as_planned, count_deleted, count_items
from mfwb.outcome import (
    Change,
    Estimate,
    FlowRunOutcome,
    Result,
    RuleOutcome,
    RunAction,
    Status,
    WandbRunOutcome,
)
from mfwb.pipeline.draft import Draft, draft, make_outcome, notes_on, still_running_outcome
from mfwb.pipeline.estimates import estimate_call, estimate_flow_run, estimate_run
from mfwb.pipeline.failures import failed_outcome
from mfwb.pipeline.group_pages import with_group_pages
from mfwb.pipeline.known_entities import SinkWithKnownEntities
from mfwb.pipeline.look_ahead import LOOK_AHEAD, look_ahead, look_ahead_in_ledger
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.run_actions import Decision, Known, decide
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.pipeline.sync_history import SyncHistory, ids_written_before, is_done
from mfwb.pipeline.unmatched import TableUse
from mfwb.planning import InputArtifact, Plan, PlannedRun
from mfwb.planning.missing_uses import explain_missing_in_bundle, explain_missing_online
from mfwb.planning.names import names_in_project, project_path
from mfwb.ports import Destination, Entry, ExistingWandbRun, ExpectedRun, SyncState
from mfwb.snapshot import FlowRun, Loss
from mfwb.snapshot.pathspec import flow_of, flow_run_of

__all__ = ["PlannedFlowRun", "plan_flow_runs", "plan_selected"]


@dataclass(frozen=True, slots=True)
class PlannedFlowRun:
    """A flow run in a plan, with what a plan file keeps of it.

    Attributes:
        outcome: what is shown.
        destination: where it goes; None if that is not known, because it failed.
        digest: of its plan; empty if it has none.
        recorded: its sync state in the ledger, with the digest of its last sync; empty: none.
        settings_stamp: of the settings that decide about it.
        existing: the id and the fingerprint of each W&B run that W&B has, if it was asked.
        tags: of the flow run, sorted; None: it was not read.
    """

    outcome: FlowRunOutcome
    destination: Destination | None = None
    digest: str = ""
    recorded: str = ""
    settings_stamp: str = ""
    existing: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None


def plan_flow_runs(
    selection: Selection,
    settings: Settings,
    parts: Parts,
    *,
    online: bool = False,
    keep: Callable[[PlannedFlowRun], None] = lambda _: None,
) -> Result:
    """Return what `sync_flow_runs` would do: as far as the ledger knows, or W&B, too.

    Args:
        selection: the flow runs.
        settings: of this call.
        parts: source, sink and the other parts.
        online: whether W&B is asked what it has; nothing is written there.
        keep: called with each flow run.
    """
    parts = replace(parts, sink=SinkWithKnownEntities(parts.sink, parts.ledger))
    history = SyncHistory(selection, settings, parts)
    notes: list[str] = []
    selected = history.remove_excluded(
        select_flow_runs(selection, parts.source, history.find_open_flow_runs, notes)
    )
    tables = TableUse(settings)
    outcomes = []
    for planned in plan_selected(selected, settings, parts, history, online=online, tables=tables):
        keep(planned)
        outcomes.append(planned.outcome)
    notes += [*notes_on(selection, outcomes), *tables.notes(selected.flows, parts.source.flows)]
    known = (outcome.estimate for outcome in outcomes if outcome.estimate is not None)
    return Result(
        "plan",
        with_group_pages(outcomes),
        notes=tuple(notes),
        estimate=estimate_call(
            known, workers=settings.sync_workers, online=parts.sink.bundle is None
        ),
    )


def plan_selected(  # noqa: PLR0913 - as of `plan_flow_runs`
    selected: Sequence[SelectedFlowRun],
    settings: Settings,
    parts: Parts,
    history: SyncHistory,
    *,
    online: bool,
    tables: TableUse,
) -> Iterator[PlannedFlowRun]:
    """Yield the plan of each flow run, in their order; arguments as of `plan_flow_runs`.

    `tables` is told which flow runs were read.
    """
    with ThreadPoolExecutor(settings.request_workers, thread_name_prefix="mfwb-check") as pool:
        planner = _Planner(settings, parts, history, pool, online=online, tables=tables)
        parts.progress.selected(len(selected))
        ahead = look_ahead_in_ledger(selected, history)
        if online:
            planner.find_ids_of_done(selected)
            ahead = look_ahead(selected, settings, parts.sink, history)
        for position, flow_run in enumerate(ahead):
            name = str(flow_run.pathspec)
            try:
                parts.progress.flow_run(name, position, len(selected))
                planned = planner.plan(flow_run)
            except BaseException as error:  # noqa: BLE001 - one error concerns one flow run
                planned = PlannedFlowRun(failed_outcome(name, error, parts.bugs))
            planner.outcomes[name] = planned.outcome
            parts.progress.finished(planned.outcome)
            yield planned


class _Planner:
    """One call: plans flow runs one after the other."""

    def __init__(  # noqa: PLR0913 - the parts that it works with
        self,
        settings: Settings,
        parts: Parts,
        history: SyncHistory,
        pool: ThreadPoolExecutor,
        *,
        online: bool,
        tables: TableUse,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._history = history
        self._pool = pool
        self._tables = tables
        self._online = online and parts.sink.bundle is None
        self._ids: dict[str, frozenset[str]] = {}  # of existing W&B runs, by flow run
        self.outcomes: dict[str, FlowRunOutcome] = {}

    def find_ids_of_done(self, selected: Iterable[SelectedFlowRun]) -> None:
        """Ask W&B in bulk for the W&B runs of flow runs that the ledger has as done."""
        if not self._online:
            return
        by_destination: dict[Destination, list[tuple[str, str]]] = {}
        for flow_run in look_ahead_in_ledger(selected, self._history):
            if flow_run.error is None and (known := self._history.find_outcome(flow_run)):
                destination = self._history.destination(flow_run.pathspec.flow)
                pair = (known.pathspec, known.group or known.pathspec)
                by_destination.setdefault(destination, []).append(pair)
        for destination, pairs in by_destination.items():
            rest = iter(pairs)
            while chunk := list(islice(rest, LOOK_AHEAD)):
                groups = list(dict.fromkeys(group for _, group in chunk))
                ids = self._parts.sink.find_ids(destination, groups)
                self._ids |= dict.fromkeys((pathspec for pathspec, _ in chunk), ids)

    def plan(self, selected: SelectedFlowRun) -> PlannedFlowRun:
        """Return the plan of a flow run; SkipFlowRun, Stop."""
        if (outcome := self._history.find_outcome(selected)) is not None:
            return self._plan_of_done(selected, outcome)
        drafted = draft(selected, self._settings, self._parts)
        self._tables.add(drafted.flow_run)
        plan = drafted.plan
        if plan is None:
            return PlannedFlowRun(still_running_outcome(drafted), drafted.destination)
        if reason := self._history.exclusion_reason(drafted):
            skipped = FlowRunOutcome(plan.flow_run, Status.SKIPPED, reason=reason)
            return PlannedFlowRun(skipped, drafted.destination)
        before = self._history.previous_entry(drafted)
        return self._plan_of_draft(drafted, plan, before)

    def _plan_of_done(self, selected: SelectedFlowRun, known: FlowRunOutcome) -> PlannedFlowRun:
        """Return the plan of a flow run that the ledger alone shows to be unchanged."""
        flow = selected.pathspec.flow
        entry = self._history.entry_of(selected)
        runs = known.wandb_runs
        if self._online:
            ids = self._ids.get(known.pathspec, frozenset())
            runs = tuple(run if run.id in ids else replace(run, deleted=True) for run in runs)
        return PlannedFlowRun(
            _unchanged(replace(known, wandb_runs=runs)),
            self._history.destination(flow),
            digest=entry.digest if entry else "",
            recorded=_describe_entry(entry),
            settings_stamp=self._history.settings_stamp(flow),
        )

    def _plan_of_draft(self, drafted: Draft, plan: Plan, before: Entry | None) -> PlannedFlowRun:
        earlier = before.outcome if before else None
        existing: Mapping[str, ExistingWandbRun] = {}
        if self._online:
            ledger = self._parts.ledger
            written = ids_written_before(earlier) - ledger.forgotten(drafted.destination)
            existing = self._parts.sink.existing(plan, writer=ledger.id, written=written)
        done = before is not None and is_done(before, plan) and not self._settings.force
        if done and earlier is not None and not self._online and not self._acts_on_deleted(earlier):
            outcome = _unchanged(earlier)
        else:
            outcome = self._compare(drafted, plan, before, existing)
        return PlannedFlowRun(
            outcome,
            drafted.destination,
            digest=plan.digest,
            recorded=_describe_entry(before),
            settings_stamp=self._history.settings_stamp(drafted.flow_run.flow),
            existing={item.id: item.fingerprint for item in existing.values() if not item.deleted},
            tags=tuple(sorted(drafted.flow_run.tags)),
        )

    def _acts_on_deleted(self, earlier: FlowRunOutcome) -> bool:
        """Return whether the settings ask for something if a W&B run is known to be deleted."""
        return self._settings.on_deleted != "skip" and any(
            run.deleted for run in earlier.wandb_runs
        )

    def _compare(
        self,
        drafted: Draft,
        plan: Plan,
        before: Entry | None,
        existing: Mapping[str, ExistingWandbRun],
    ) -> FlowRunOutcome:
        earlier = before.outcome if before else None
        earlier_runs = {run.name: run for run in earlier.wandb_runs} if earlier else {}
        is_finished = before is not None and is_done(before, plan)
        knowns = {
            run.name: Known(
                before=earlier_runs.get(run.name),
                existing=existing.get(run.id),
                is_online=self._online,
                is_done=is_finished,
                in_bundle=self._parts.sink.bundle is not None,
            )
            for run in plan.runs
        }
        decisions = {run.name: decide(run, knowns[run.name], self._settings) for run in plan.runs}
        self._raise_if_deleted(plan, decisions)
        described = describe_settings(self._settings, drafted.flow_run.flow)
        runs, estimates = self._plan_runs(drafted, plan, knowns, decisions)
        online = self._parts.sink.bundle is None
        is_idle = all(run.action in _IDLE for run in runs)
        outcome = make_outcome(
            Status.UNCHANGED if is_idle else Status.PLANNED, plan, drafted.destination, runs
        )
        outcome = with_account(outcome, drafted.flow_run, plan)
        return replace(
            outcome,
            change=_change_of(before, existing, is_idle=is_idle),
            reasons=()
            if is_idle
            else (*_reasons(drafted.flow_run, before, described, plan), *self._force_reason()),
            settings=described,
            estimate=estimate_flow_run(
                list(zip(plan.runs, estimates, strict=True)),
                workers=self._settings.sync_workers,
                online=online,
            ),
        )

    def _force_reason(self) -> tuple[str, ...]:
        return ("--force",) if self._settings.force else ()

    def _raise_if_deleted(self, plan: Plan, decisions: Mapping[str, Decision]) -> None:
        """Raise the error that a sync would raise if deleted W&B runs are to be errors."""
        if self._settings.on_deleted != "fail":
            return
        for run in plan.runs:
            if decisions[run.name].action is RunAction.SKIP:
                raise SinkError(
                    f"{run.name} was deleted in W&B (its id is {run.id}); use --on-deleted skip "
                    "to exclude it, or recreate to write it again"
                )

    def _plan_runs(
        self,
        drafted: Draft,
        plan: Plan,
        knowns: Mapping[str, Known],
        decisions: Mapping[str, Decision],
    ) -> tuple[tuple[WandbRunOutcome, ...], list[Estimate]]:
        """Return each W&B run as it will be, and what writing it costs."""

        def check(run: PlannedRun) -> ExpectedRun | None:
            if decisions[run.name].action not in _WRITES:
                return None
            return self._parts.payloads.expect(run, drafted.contents)

        expected = dict(
            zip((run.name for run in plan.runs), self._pool.map(check, plan.runs), strict=True)
        )
        logged = {
            (run.id, output.name)
            for run in plan.runs
            if decisions[run.name].action is not RunAction.SKIP
            for output in run.outputs
            if (known := expected[run.name]) is None or output.name in known.files
        }
        runs, estimates = [], []
        for run in plan.runs:
            decision, ready = decisions[run.name], expected[run.name]
            if ready is None:
                outcome = self._as_it_is(run, drafted, knowns[run.name], decision)
            else:
                uses = tuple(self._missing_uses(run, plan, logged))
                rules = self._rules_for(run, drafted)
                outcome = as_planned(run, rules, ready, uses)
            runs.append(replace(outcome, action=decision.action, reasons=decision.reasons))
            estimates.append(
                estimate_run(
                    run,
                    decision.action,
                    ready or ExpectedRun(),
                    online=self._parts.sink.bundle is None,
                )
            )
        return tuple(runs), estimates

    def _as_it_is(
        self, run: PlannedRun, drafted: Draft, known: Known, decision: Decision
    ) -> WandbRunOutcome:
        """Return a W&B run whose content a sync leaves as it is."""
        planned = as_planned(run)
        if decision.action is RunAction.SKIP:
            return replace(
                planned, inputs=(), outputs=(), items=count_deleted(run), deleted=True, masked=()
            )
        before, existing = known.before, known.existing
        is_same = before is not None and (
            existing is None or before.fingerprint == existing.fingerprint
        )
        if before is not None and is_same:
            planned = replace(
                before,
                fingerprint=run.fingerprint,
                part_digests=run.part_digests,
                bytes_written=0,
            )
        elif existing is not None:
            planned = as_planned(run, losses=existing.losses)
            outputs = existing.outputs
            if outputs is None:
                outputs = tuple(replace(item, size_is_estimate=True) for item in planned.outputs)
            items = count_items(run, planned.losses, outputs)
            planned = replace(planned, outputs=outputs, items=items)
        if existing is not None:
            kept, undone = existing.edits_kept, existing.edits_undone
            planned = replace(planned, id=existing.id, url=existing.url)
            if decision.action is RunAction.UPDATE:
                planned = replace(planned, edits_kept=kept, edits_undone=undone)
        if decision.action is RunAction.UPDATE and (rules := self._rules_for(run, drafted)):
            ruled = (replace(output, rules=rules.get(output.name)) for output in planned.outputs)
            planned = replace(planned, outputs=tuple(ruled))
        return planned

    def _rules_for(self, run: PlannedRun, drafted: Draft) -> dict[str, RuleOutcome]:
        """Return what the settings' rules give to the artifacts of a W&B run, by name."""
        applied = self._parts.payloads.apply_rules(run, drafted.contents)
        return {name: rule.outcome for name, rule in applied.items()}

    def _missing_uses(
        self, run: PlannedRun, plan: Plan, logged: Collection[tuple[str, str]]
    ) -> Iterator[Loss]:
        """Yield the uses that a sync will not find in W&B."""
        own_project = project_path(plan.entity, plan.project)
        for used in run.inputs:
            if not used.place:
                if (used.producer, used.name) not in logged:
                    yield Loss(run.use_item(used), explain_missing_online(used))
            elif self._parts.sink.bundle is not None:
                if used.place != own_project or not self._is_logged(used, plan):
                    reason = explain_missing_in_bundle(used, own_project)
                    yield Loss(run.use_item(used), reason)
            elif not self._is_logged(used, plan):
                yield Loss(run.use_item(used), explain_missing_online(used))

    def _is_logged(self, used: InputArtifact, plan: Plan) -> bool:
        """Return whether another flow run has logged an artifact, or will before this one."""
        other = flow_run_of(used.producer_name)
        if other in self.outcomes:
            return _has_output(self.outcomes[other], used)
        if self._online:
            return self._parts.sink.has_logged(plan, used)
        destination = self._history.destination(flow_of(other))
        entry = self._parts.ledger.entry(other, plan.source.provider, destination)
        return entry is not None and entry.outcome is not None and _has_output(entry.outcome, used)


_IDLE = frozenset({RunAction.KEEP, RunAction.SKIP})
_WRITES = frozenset({RunAction.CREATE, RunAction.REWRITE})


def _has_output(outcome: FlowRunOutcome, used: InputArtifact) -> bool:
    names = names_in_project(used.name, used.type)
    return outcome.status is not Status.FAILED and any(
        output.name in names
        for run in outcome.wandb_runs
        if run.name == used.producer_name and not run.deleted
        for output in run.outputs
    )


def _unchanged(outcome: FlowRunOutcome) -> FlowRunOutcome:
    """Return the recorded outcome of a flow run with which a sync has nothing to do."""
    runs = (
        replace(run, action=RunAction.SKIP if run.deleted else RunAction.KEEP, bytes_written=0)
        for run in outcome.wandb_runs
    )
    return replace(
        outcome.as_unchanged(),
        reason=None,
        wandb_runs=tuple(runs),
        change=Change.UNCHANGED,
        estimate=Estimate(),
    )


def _describe_entry(entry: Entry | None) -> str:
    """Return what of an entry shows whether a flow run was synced since a plan."""
    return "" if entry is None else f"{entry.sync_state.value} {entry.digest}".strip()


def _change_of(
    before: Entry | None, existing: Mapping[str, ExistingWandbRun], *, is_idle: bool
) -> Change:
    if is_idle:
        return Change.UNCHANGED
    if before is not None and before.digest:
        is_whole = before.sync_state is SyncState.SYNCED
        return Change.CHANGED if is_whole else Change.UNFINISHED
    present = [item for item in existing.values() if not item.deleted]
    if not present:
        return Change.NEW
    is_whole = all(item.fingerprint for item in present)
    return Change.CHANGED if is_whole else Change.UNFINISHED


_STATE_REASONS = {
    SyncState.BEGUN: "an earlier sync was interrupted",
    SyncState.FAILED: "the last sync failed",
    SyncState.INCOMPLETE: "W&B did not take all of it",
}


def _reasons(
    flow_run: FlowRun, before: Entry | None, settings: Mapping[str, str], plan: Plan
) -> Iterator[str]:
    """Yield what is different from the last sync of a flow run, as far as the ledger knows."""
    if before is None or not before.digest:
        return
    if state := _STATE_REASONS.get(before.sync_state):
        yield f"{state}: {before.reason}" if before.reason else state
    tags_before, tags = before.listed.split("\n") if before.listed else [], flow_run.tags
    yield from (f"tag + {tag}" for tag in sorted(set(tags) - set(tags_before)))
    yield from (f"tag - {tag}" for tag in sorted(set(tags_before) - set(tags)))
    earlier = before.outcome
    if earlier is None:
        return
    if earlier.settings is not None:
        yield from compare_settings(earlier.settings, settings)
    if earlier.group != plan.group:
        yield f"group: {earlier.group} \N{RIGHTWARDS ARROW} {plan.group}"
    planned = {run.name for run in plan.runs}
    gone = [run.name for run in earlier.wandb_runs if run.name not in planned]
    if gone:
        yield f"no longer part of it, but left in W&B: {', '.join(gone[:_LISTED])}" + (
            f" and {len(gone) - _LISTED:,} more" if len(gone) > _LISTED else ""
        )


_LISTED = 3  # names of W&B runs
