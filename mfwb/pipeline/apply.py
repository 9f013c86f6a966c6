"""Apply a plan file: plan again, compare, and carry out exactly what was planned, or refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic

from mfwb.config import Settings
from mfwb.decisive_settings import compare_settings
from mfwb.errors import UsageError
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.parts import Parts
from mfwb.pipeline.plan import PlannedFlowRun, plan_selected
from mfwb.pipeline.request_costs import count_sent
from mfwb.pipeline.selection import SelectedFlowRun, Selection
from mfwb.pipeline.sync import sync_flow_runs
from mfwb.pipeline.sync_history import SyncHistory
from mfwb.pipeline.unmatched import TableUse
from mfwb.plan_file import PlanFile, PlanFileFlowRun, PlanFileRun, call_settings, flags_of
from mfwb.ports import NoProgress, SyncState
from mfwb.redaction import mask_url_users
from mfwb.snapshot.pathspec import parse
from mfwb.version import __version__

__all__ = ["apply_plan", "make_plan_file"]

_CHECKED = frozenset({Status.PLANNED.value, Status.UNCHANGED.value})


def make_plan_file(
    planned: Iterable[PlannedFlowRun],
    settings: Settings,
    *,
    provider: str,
    failed: bool | None,
    online: bool,
) -> PlanFile:
    """Return the plan file of a plan.

    Args:
        planned: the flow runs, as `plan_flow_runs` yields them.
        settings: of the call.
        provider: the metadata provider of the flow runs.
        failed: as in the selection.
        online: whether W&B was asked.
    """
    flags, others = flags_of(settings)
    return PlanFile(
        mfwb=__version__,
        provider=mask_url_users(provider),
        online=online,
        failed=failed,
        flags=flags,
        flags_to_give=others,
        call=call_settings(settings),
        flow_runs=tuple(map(_entry_of, planned)),
    )


def apply_plan(plan: PlanFile, settings: Settings, parts: Parts) -> Result:
    """Carry out a plan and return the result, or refuse all of it if anything has changed.

    Flow runs that the plan skips, or that failed in it, are left alone.

    Raises:
        UsageError: what changed; nothing was written.
    """
    began = monotonic()
    _raise_if_call_differs(plan, settings, parts)
    checked = [flow_run for flow_run in plan.flow_runs if flow_run.status in _CHECKED]
    now: dict[str, PlannedFlowRun] = {}
    if checked:
        selection = Selection(
            pathspecs=tuple(parse(flow_run.pathspec) for flow_run in checked), failed=plan.failed
        )
        history = SyncHistory(selection, settings, parts)
        selected = list(_find(checked, parts))
        with parts.ledger.lock(
            dict.fromkeys(parts.sink.destination(item.pathspec.flow) for item in selected),
            wait=settings.wait,
        ):
            again = plan_selected(
                selected,
                settings,
                replace(parts, progress=NoProgress()),
                history,
                online=plan.online,
                tables=TableUse(settings),
            )
            now = {item.outcome.pathspec: item for item in again}
    _raise_if_changed(checked, now)
    return _carry_out(plan, now, settings, parts, began)


def _carry_out(
    plan: PlanFile, now: dict[str, PlannedFlowRun], settings: Settings, parts: Parts, began: float
) -> Result:
    notes: tuple[str, ...] = ()
    outcomes = {name: item.outcome for name, item in now.items()}
    work = [item for item in plan.flow_runs if item.status == Status.PLANNED.value]
    if work:
        selection = Selection(
            pathspecs=tuple(parse(item.pathspec) for item in work), failed=plan.failed
        )
        expected = {item.pathspec: item.digest for item in work}
        result = sync_flow_runs(selection, settings, parts, expected=expected)
        outcomes |= {outcome.pathspec: outcome for outcome in result.flow_runs}
        notes = result.notes
    return Result(
        "sync",
        tuple(outcomes.get(item.pathspec) or _left_alone(item) for item in plan.flow_runs),
        notes=notes,
        seconds=monotonic() - began,
        requests=count_sent(parts.sink.request_budget),
    )


def _left_alone(item: PlanFileFlowRun) -> FlowRunOutcome:
    reason = f"the plan leaves it alone: {item.reason or 'no reason was recorded'}"
    return FlowRunOutcome(item.pathspec, Status.SKIPPED, reason=reason)


def _find(checked: Sequence[PlanFileFlowRun], parts: Parts) -> Iterator[SelectedFlowRun]:
    """Yield flow runs so that the ledger is trusted for the same ones as when the plan was made.

    Those that the ledger has and that were read then, as they were given by their names, are read
    again; the others come with their entries in the listing, which shows what is unchanged.
    """
    pathspecs = {item.pathspec: parse(item.pathspec) for item in checked}
    read_again = {item.pathspec for item in checked if item.tags is not None and item.recorded}
    flows = {pathspecs[name].flow: None for name in pathspecs if name not in read_again}
    listed = {run.pathspec: run for flow in flows for run in parts.source.list(flow)}
    for name, pathspec in pathspecs.items():
        entry = None if name in read_again else listed.get(pathspec)
        yield SelectedFlowRun(pathspec, entry)


def _entry_of(planned: PlannedFlowRun) -> PlanFileFlowRun:
    outcome, destination = planned.outcome, planned.destination
    entry = PlanFileFlowRun(
        pathspec=outcome.pathspec,
        status=outcome.status.value,
        reason=outcome.reason,
        change=outcome.change.value if outcome.change else None,
        reasons=outcome.reasons,
        digest=planned.digest,
        tags=planned.tags,
        settings=dict(outcome.settings or {}),
        settings_stamp=planned.settings_stamp,
        recorded=planned.recorded,
        wandb_runs=tuple(
            PlanFileRun(
                id=run.id,
                name=run.name,
                fingerprint=run.fingerprint or "",
                action=run.action.value if run.action else "",
                existing=planned.existing.get(run.id),
            )
            for run in outcome.wandb_runs
        ),
    )
    if destination is None:
        return entry
    return replace(
        entry,
        mode=destination.mode,
        base=mask_url_users(destination.base),
        entity=destination.entity,
        project=destination.project,
    )


# --- what has changed -----------------------------------------------------------------------


def _raise_if_call_differs(plan: PlanFile, settings: Settings, parts: Parts) -> None:
    provider = mask_url_users(parts.source.provider)
    if provider != plan.provider:
        raise UsageError(f"the plan is of {plan.provider}, and this call reads {provider}")
    own = set(flags_of(settings)[1])
    if missing := [name for name in plan.flags_to_give if name not in own]:
        raise UsageError(
            f"the plan was made with other values of {', '.join(missing)}, which a plan file does "
            "not pass on; give the same to this call"
        )
    if changes := compare_settings(plan.call, call_settings(settings)):
        raise UsageError(f"not as planned: {', '.join(changes)}; {_HINT}")


def _raise_if_changed(checked: Sequence[PlanFileFlowRun], now: dict[str, PlannedFlowRun]) -> None:
    changes = {
        item.pathspec: change
        for item in checked
        if (change := _describe_change(item, now[item.pathspec]))
    }
    if not changes:
        return
    name, change = next(iter(changes.items()))
    more = f" (and {len(changes) - 1:,} more flow runs)" if len(changes) > 1 else ""
    raise UsageError(f"{name} is not as planned: {change}{more}; nothing was written, {_HINT}")


_HINT = "make a new plan"


def _describe_change(then: PlanFileFlowRun, planned: PlannedFlowRun) -> str:
    """Return what changed of a flow run since its plan was made; empty: nothing."""
    now = _entry_of(planned)
    return next(filter(None, _differences(then, now)), "")


def _differences(then: PlanFileFlowRun, now: PlanFileFlowRun) -> Iterator[str]:
    """Yield what is different; what causes others comes first."""
    if now.status == Status.FAILED.value:
        yield now.reason or "it can't be planned any more"
    destinations = [(item.mode, item.base, item.entity, item.project) for item in (then, now)]
    if destinations[0] != destinations[1]:
        before, after = ("/".join(filter(None, parts[1:])) for parts in destinations)
        yield f"its destination was {before}, and is {after}"
    yield ", ".join(compare_settings(then.settings, now.settings))
    if then.settings_stamp != now.settings_stamp:
        yield "its settings changed"
    if then.recorded != now.recorded:
        yield _describe_record(now.recorded)
    if then.digest != now.digest:
        yield _describe_new_digest(then, now)
    if then.status != now.status:
        yield f"it was {then.status}, and is {now.status}"
    existing = {run.id: (run.existing, run.action) for run in now.wandb_runs}
    changed = [
        run.name for run in then.wandb_runs if existing.get(run.id) != (run.existing, run.action)
    ]
    if changed:
        yield f"W&B has another state of {', '.join(changed[:_LISTED])}"


_LISTED = 3


def _describe_record(recorded: str) -> str:
    """Return what the ledger has of a flow run since its plan was made."""
    is_begun = recorded.partition(" ")[0] == SyncState.BEGUN.value
    return "a sync of it was begun since, and did not end" if is_begun else "it was synced since"


def _describe_new_digest(then: PlanFileFlowRun, now: PlanFileFlowRun) -> str:
    if then.tags is not None and now.tags is not None and then.tags != now.tags:
        added = [f"tag + {tag}" for tag in now.tags if tag not in then.tags]
        removed = [f"tag - {tag}" for tag in then.tags if tag not in now.tags]
        return ", ".join([*added, *removed])
    before = {run.name: run.fingerprint for run in then.wandb_runs}
    differing = [run.name for run in now.wandb_runs if before.get(run.name, "") != run.fingerprint]
    names = ", ".join(differing[:_LISTED])
    return f"the flow run changed ({names})" if names else "the flow run changed"
